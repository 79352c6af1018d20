import { beforeEach, describe, expect, test } from '@jest/globals';
import { PassedOn } from '../../src/replica/passed-on.js';
import { VerifiedMessages } from '../../src/replica/verified-messages.js';
import { NS, Signer } from '../../src/soap/index.js';
import { encodeCreateCoordinationContext, encodeSequence } from '../../src/soap/messages/index.js';
import { ATTACKS, messageAt } from './corpus.js';
import { makeScene } from './scene.js';
import type { Sample, Scene } from './scene.js';

/** The same attacks by a lying replica, which passes messages on as if clients had sent them: below the HTTP edge. */

const ADDRESS = 'https://cluster.example';
const LIAR = 4;

let scene: Scene;
let complaints: string[];
let submitted: unknown[];
let passedOn: PassedOn;

beforeEach(async () => {
  scene ??= await makeScene();
  complaints = [];
  submitted = [];
  passedOn = new PassedOn({
    verified: new VerifiedMessages((raw) => scene.verifier.verify(raw, scene.now)),
    addresses: { logical: ADDRESS, replicas: [] },
    complain: (_peer, reason) => void complaints.push(reason),
    submit: (request) => void submitted.push(request),
  });
});

const pass = (raw: string): void => {
  passedOn.tick();
  passedOn.accept(LIAR, Buffer.from(raw));
};

function goodRequest({ credentials }: Sample): string {
  const body = encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] });
  const addressing = { to: `${ADDRESS}/activation`, action: `${NS.wscoor}/CreateCoordinationContext`, messageId: 'urn:uuid:1' };
  const headers = [encodeSequence({ number: 1, created: scene.now })];
  return new Signer(credentials).sign({ soapVersion: '1.1', addressing, headers, body }, scene.now);
}

describe('what a lying replica passes on', () => {
  test('is taken if it is what its client signed', () => {
    for (const sample of scene.samples.filter(({ keyType }) => keyType === 'ec')) pass(goodRequest(sample));
    expect({ submitted: submitted.length, complaints }).toEqual({ submitted: 2, complaints: [] });
  });

  test('is not taken if it is any of the attacks, and each is held against the replica', () => {
    const messages = ATTACKS.filter((_, i) => i % 5 === 0).map((attack, i) => messageAt(scene, attack, i));
    expect(messages.length).toBeGreaterThan(300);
    for (const { raw } of messages) pass(raw);
    expect(submitted).toEqual([]);
    expect(complaints).toHaveLength(messages.length);
  });
});

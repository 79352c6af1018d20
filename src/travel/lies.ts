import type { KeyObject } from 'node:crypto';
import { sign } from 'node:crypto';
import type { Digest, Statement } from '../bft/index.js';
import { CodecError, DEFAULT_BROADCAST_LIMITS, Votes } from '../bft/index.js';
import { decodeFrame, encodeFrame } from '../bft/frames.js';
import type { LoadedCluster } from '../config/index.js';
import type { PeerLinks } from '../peers/index.js';
import type { ReplicaPorts } from '../replica/index.js';
import { REAL_PORTS } from '../replica/ports.js';
import type { EdgeAnswer, OutgoingMessage, XmlElement } from '../soap/index.js';
import { child, eprFromXml, isElement, NS, referenceParameterHeaders } from '../soap/index.js';
import { decodeRegister, encodeNotification, readReferences } from '../soap/messages/index.js';
import { commandId } from '../wsba/index.js';

/** What a lying replica lies with: its own keys, and nobody else's. */
export interface Liar {
  readonly id: number;
  readonly cluster: LoadedCluster;
  readonly voteKey: KeyObject;
  /** Told whenever a lie was told, for the log. */
  readonly told: (lie: 'reply' | 'command' | 'echo', about: string) => void;
}

/** Ports of a replica that is honest inside and lies to everybody outside: initiators, participants and peers. */
export function lyingPorts(liar: Liar): Partial<ReplicaPorts> {
  const forgery = new Forgery(liar);
  return {
    startEdge: (options) =>
      REAL_PORTS.startEdge({
        ...options,
        handle: async (request) => {
          const answer = await options.handle(request);
          forgery.learn(request.message.body, answer);
          return falsify(liar, answer);
        },
      }),
    participants: (send) => forgery.around(send),
    startPeerLinks: async (options) => twoFaced(liar, await REAL_PORTS.startPeerLinks(options)),
  };
}

// --- wrong replies to initiators and participants -----------------------------------------------------------------------

/** What the liar writes in the place of the text of an element. */
const FALSE_TEXTS: ReadonlyMap<string, string> = new Map([
  [`${NS.wsa} Address`, 'http://127.0.0.1:9/nowhere'],
  [`${NS.concordat} Replica`, 'http://127.0.0.1:9/nowhere'],
  [`${NS.wscoor} Identifier`, 'urn:uuid:00000000-0000-8000-8000-000000000000'],
  [`${NS.concordat} Activity`, 'urn:uuid:00000000-0000-8000-8000-000000000000'],
  [`${NS.concordat} Participant`, 'urn:uuid:00000000-0000-8000-8000-000000000000'],
  // In lists everybody has always done its work, so that an initiator who believed it would close too early.
  [`${NS.wsba} State`, 'wsba:Completed'],
  [`${NS.concordat} EndedBy`, 'Fail'],
  [`${NS.concordat} Decision`, 'undecided'],
]);

function falsify(liar: Liar, answer: EdgeAnswer): EdgeAnswer {
  if (answer.kind !== 'reply') return answer;
  liar.told('reply', answer.message.body.name);
  return { ...answer, message: { ...answer.message, body: falseTree(answer.message.body) } };
}

/** The same element with every text of the table replaced. */
function falseTree(element: XmlElement): XmlElement {
  const lie = FALSE_TEXTS.get(`${element.ns} ${element.name}`);
  const children = lie === undefined ? element.children.map((node) => (isElement(node) ? falseTree(node) : node)) : [lie];
  return { ...element, children };
}

// --- forged commands to participants ----------------------------------------------------------------------------------

const FORGED = ['Close', 'Cancel', 'Compensate', 'Complete'] as const;

type Send = Parameters<ReplicaPorts['participants']>[0];

/** Tells participants what nobody decided, as soon as it hears of them, with the ids that the true commands would have. */
class Forgery {
  #send: Send | undefined;

  constructor(private readonly liar: Liar) {}

  /** Takes hold of the way to participants; instead of every true command goes the opposite one. */
  around(send: Send): Send {
    this.#send = send;
    return async (url, message, signal) => {
      const { activity, participant } = readReferences(message.addressing.from?.referenceParameters ?? []);
      if (activity !== undefined && participant !== undefined) await this.#forge(url, message, { activity, participant }, signal);
      return { kind: 'accepted' };
    };
  }

  /** A Register that passes by tells where the participant is, and its answer who it is. */
  learn(request: XmlElement, answer: EdgeAnswer): void {
    if (answer.kind !== 'reply' || request.name !== 'Register' || answer.message.body.name !== 'RegisterResponse') return;
    const service = decodeRegister(request).participantProtocolService;
    const coordinator = child(answer.message.body, NS.wscoor, 'CoordinatorProtocolService');
    if (service === undefined || coordinator === undefined) return;
    const from = eprFromXml(coordinator);
    const { activity, participant } = readReferences(from.referenceParameters);
    if (activity === undefined || participant === undefined) return;
    const message: OutgoingMessage = {
      soapVersion: '1.1',
      addressing: { to: service.address, action: '', from },
      headers: referenceParameterHeaders(service),
      body: request,
    };
    void this.#forge(service.address, message, { activity, participant }, new AbortController().signal);
  }

  async #forge(
    url: string,
    like: OutgoingMessage,
    whom: { readonly activity: string; readonly participant: string },
    signal: AbortSignal,
  ): Promise<void> {
    const trueName = like.addressing.action.split('/').at(-1) ?? '';
    for (const command of FORGED.filter((name) => name !== trueName)) {
      const addressing = {
        ...like.addressing,
        to: url,
        action: `${NS.wsba}/${command}`,
        messageId: commandId(whom.activity, whom.participant, command),
      };
      this.liar.told('command', `${command} to ${whom.participant}`);
      await this.#send?.(url, { ...like, addressing, body: encodeNotification(command) }, signal).catch(() => undefined);
    }
  }
}

// --- conflicting echoes to peers ----------------------------------------------------------------------------------------

/** Votes for something else at the same positions, and for two things at the next: signed, so each is proof against the liar. */
function twoFaced(liar: Liar, links: PeerLinks): PeerLinks {
  const { cluster, id, voteKey } = liar;
  const votes = new Votes({ cluster: cluster.config.cluster, n: cluster.n, f: cluster.f, verifier: { verify: () => false } });
  const signer = { sign: (data: Uint8Array): Buffer => sign(null, data, voteKey) };
  const frameOf = (statements: readonly Statement[]): Buffer =>
    encodeFrame({ type: 'votes', batch: votes.sign(id, signer, statements).batch, certificates: [] });
  return {
    ...links,
    send: (peer, frame) => {
      const echoes = echoesOf(frame, cluster.n);
      if (echoes.length === 0) return links.send(peer, frame);
      liar.told('echo', `${echoes.length} positions, to replica ${peer}`);
      const next = echoes.map((echo) => ({ ...echo, number: echo.number + 1 }));
      // Half of the peers never see the true vote; what it says of the next position contradicts itself at every peer.
      if (peer % 2 === 0) links.send(peer, frame);
      const lies = [echoes.map(otherwise), next, next.map(otherwise)];
      return lies.map((statements) => links.send(peer, frameOf(statements))).every((sent) => sent);
    },
  };
}

function echoesOf(frame: Uint8Array, n: number): readonly Statement[] {
  try {
    const decoded = decodeFrame(frame, DEFAULT_BROADCAST_LIMITS, n);
    return decoded.type === 'votes' ? decoded.batch.statements.filter(({ round }) => round === 'echo') : [];
  } catch (error) {
    if (error instanceof CodecError) return [];
    throw error;
  }
}

const FALSE_DIGEST = 'f0'.repeat(32) as Digest;
const otherwise = (statement: Statement): Statement => ({ ...statement, digest: FALSE_DIGEST });

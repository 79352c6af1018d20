import { type Digest, type Position, type Request, requestDigest, type SourceOrderedBroadcast } from '../bft/index.js';
import { type ClusterAddresses, parseStream, participantStream, pathOf, SERVED, urlOf } from '../contract/index.js';
import { asErrorCode, ConcordatError } from '../errors.js';
import type { EdgeAnswer, EdgeRequest, VerifiedMessage } from '../soap/index.js';
import { readReferences } from '../soap/messages/index.js';
import { bundled, type Description, serveDescription } from '../soap/wsdl.js';
import type { XmlElement } from '../soap/xml.js';
import type { Activity } from '../wsba/index.js';
import type { Answers } from './answers.js';
import { correspondentOf } from './correspondence.js';
import type { Instances } from './instances.js';
import { type Interpretation, interpret, type Question } from './interpret.js';
import type { Notices } from './notices.js';
import type { CoordinationService, ServiceEffect } from './service.js';
import { UnknownInstances } from './unknown.js';
import type { Waiters } from './waiters.js';
import { heldFor } from './waiting.js';

export interface FrontOptions {
  readonly cluster: string;
  readonly addresses: ClusterAddresses;
  /** This replica's own base URL, which its WSDLs name. */
  readonly url: string;
  /** How long a request waits to be enabled and certified before it gets a retryable fault. */
  readonly requestWaitMs: number;
  readonly broadcast: SourceOrderedBroadcast<readonly ServiceEffect[]>;
  readonly service: CoordinationService;
  readonly answers: Answers;
  readonly notices: Notices;
  readonly instances: Instances;
  readonly waiters: Waiters;
  /** Milliseconds of the clock that the broadcast is given. */
  readonly now: () => number;
  /** Whether the delivery at a position is on disk. */
  readonly isStored: (position: Position) => boolean;
  /** Submits a request within a turn of the replica. */
  readonly submit: (request: Request, message: VerifiedMessage) => ReturnType<SourceOrderedBroadcast<unknown>['submit']>;
}

/** The SOAP side of a replica: takes verified messages, and answers when what they asked for is certified and on disk. */
export class Front {
  readonly #unknown: UnknownInstances;

  constructor(private readonly o: FrontOptions) {
    const { instances, notices, waiters, requestWaitMs: waitMs } = o;
    this.#unknown = new UnknownInstances({ instances, notices, waiters, waitMs });
  }

  /** Answers GET: a WSDL or schema, or the health of the process. */
  describe(path: string, query: string): Description | undefined {
    if (path === '/healthz') return { contentType: 'text/plain; charset=utf-8', body: 'ok\n' };
    const endpoint = SERVED.find((served) => pathOf(served) === path);
    return endpoint && serveDescription(bundled, endpoint, query, urlOf(this.o.url, endpoint));
  }

  /** @throws ConcordatError, which becomes the fault of the answer */
  async handle(request: EdgeRequest): Promise<EdgeAnswer> {
    const interpretation = interpret(request.message, this.o.addresses, request.path);
    if (interpretation.kind === 'read') return this.#answerQuestion(request, interpretation);
    return this.#order(request, interpretation);
  }

  async #order(
    { message, signal }: EdgeRequest,
    { request, response }: Interpretation & { kind: 'ordered' },
  ): Promise<EdgeAnswer> {
    const since = this.o.now();
    const digest = requestDigest(this.o.cluster, request);
    const submission = this.o.submit(request, message);
    if (submission.outcome === 'refused') throw new ConcordatError(asErrorCode(submission.code), submission.detail);
    const early = this.#answerIfSettled(message, request, digest, response);
    if (early !== undefined) return early;
    this.#unknown.expect(request, since);
    const settled = await this.o.waiters.wait(request, digest, this.o.requestWaitMs, signal);
    const late = this.#answerIfSettled(message, request, digest, response) ?? this.#unknown.answer(message, request, since);
    if (late !== undefined) return late;
    if (settled.kind === 'withdrawn') throw new ConcordatError(asErrorCode(settled.code), settled.detail);
    return this.#giveUp(request);
  }

  #answerIfSettled(
    message: VerifiedMessage,
    request: Request,
    digest: Digest,
    response: string | undefined,
  ): EdgeAnswer | undefined {
    if (!this.o.isStored(request)) return undefined;
    const outcome = this.o.service.outcome(request, digest);
    if (outcome === undefined) return undefined;
    if (!outcome.ok) throw outcome.error;
    return reply(message, response, this.o.answers.to(request, outcome.activity));
  }

  #giveUp(position: Position): never {
    const waiting = this.o.broadcast.waiting(position);
    if (waiting !== undefined) {
      const { code, waitsFor } = waiting;
      throw new ConcordatError(asErrorCode(code), waitsFor.join(', '), { waitsFor });
    }
    if (this.o.broadcast.isDelivered(position)) {
      const waitsFor = this.#heldFor(position);
      throw new ConcordatError('NotEnabled', 'it is certified and takes effect as soon as it can', { waitsFor });
    }
    throw new ConcordatError('NoQuorum', `${position.stream} number ${position.number}`);
  }

  #heldFor({ stream, number }: Position): readonly string[] {
    const parsed = parseStream(stream);
    const activity = parsed === undefined || parsed.kind === 'create' ? undefined : this.o.service.activity(parsed.activity);
    return (activity && heldFor(activity, stream, number)) ?? [];
  }

  async #answerQuestion(
    { message, signal }: EdgeRequest,
    { question, response }: Interpretation & { kind: 'read' },
  ): Promise<EdgeAnswer> {
    const since = this.o.now();
    switch (question.about) {
      case 'participants':
        return reply(message, response, this.o.answers.list('listParticipants', this.#ownActivity(question)));
      case 'initiator-endpoint':
        await this.#unknown.activity(question.activity, since, signal);
        return reply(message, response, this.o.answers.initiatorEndpoint(this.#ownActivity(question)));
      case 'status':
        await this.#tellStatus(message, question, since, signal);
        return { kind: 'accepted' };
      case 'nothing':
        return { kind: 'accepted' };
    }
  }

  async #tellStatus(
    message: VerifiedMessage,
    { activity, participant, messageId }: Question & { about: 'status' },
    since: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { invitation = '' } = readReferences(message.headers);
    const stream = participantStream(activity, invitation, message.identity.writer);
    await this.#unknown.participant(activity, stream, since, signal);
    const record = this.o.service.activity(activity)?.participants.get(participant);
    if (record === undefined) throw new ConcordatError('InvalidState', 'the participant could not be registered');
    const instance = { activity, participant, invitation };
    this.o.notices.status({ instance, messageId, sender: correspondentOf(message) }, record);
  }

  /** The activity that a question is about, for its creator only. */
  #ownActivity({ activity: id, asker }: Question & { activity: string; asker: string }): Activity {
    const activity = this.o.service.activity(id);
    if (activity === undefined) throw new ConcordatError('UnknownActivity', id, { waitsFor: [id] });
    if (activity.creator !== asker) throw new ConcordatError('NotAuthorized', 'only the creator of an activity may ask about it');
    return activity;
  }
}

function reply(message: VerifiedMessage, response: string | undefined, body: XmlElement | undefined): EdgeAnswer {
  if (response === undefined || body === undefined) return { kind: 'accepted' };
  const { messageId } = message.addressing;
  const addressing = { action: response, ...(messageId === undefined ? {} : { relatesTo: messageId }) };
  return { kind: 'reply', message: { soapVersion: message.soapVersion, addressing, headers: [], body } };
}

import { type Digest, type Position, type Request, requestDigest, type SourceOrderedBroadcast } from '../bft/index.js';
import { type ClusterAddresses, pathOf, SERVED, urlOf } from '../contract/index.js';
import { asErrorCode, ConcordatError } from '../errors.js';
import type { EdgeAnswer, EdgeRequest, VerifiedMessage } from '../soap/index.js';
import { bundled, type Description, serveDescription } from '../soap/wsdl.js';
import type { XmlElement } from '../soap/xml.js';
import type { Activity } from '../wsba/index.js';
import type { Answers } from './answers.js';
import type { Commands } from './commands.js';
import { type Interpretation, interpret, type Question } from './interpret.js';
import type { CoordinationService, ServiceEffect } from './service.js';
import type { Waiters } from './waiters.js';

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
  readonly commands: Commands;
  readonly waiters: Waiters;
  /** Whether the delivery at a position is on disk. */
  readonly isStored: (position: Position) => boolean;
  /** Submits a request within a turn of the replica. */
  readonly submit: (request: Request, message: VerifiedMessage) => ReturnType<SourceOrderedBroadcast<unknown>['submit']>;
}

/** The SOAP side of a replica: takes verified messages, and answers when what they asked for is certified and on disk. */
export class Front {
  constructor(private readonly o: FrontOptions) {}

  /** Answers GET: a WSDL or schema, or the health of the process. */
  describe(path: string, query: string): Description | undefined {
    if (path === '/healthz') return { contentType: 'text/plain; charset=utf-8', body: 'ok\n' };
    const endpoint = SERVED.find((served) => pathOf(served) === path);
    return endpoint && serveDescription(bundled, endpoint, query, urlOf(this.o.url, endpoint));
  }

  /** @throws ConcordatError, which becomes the fault of the answer */
  async handle(request: EdgeRequest): Promise<EdgeAnswer> {
    const interpretation = interpret(request.message, this.o.addresses, request.path);
    if (interpretation.kind === 'read') return this.#answerQuestion(request.message, interpretation);
    return this.#order(request, interpretation);
  }

  async #order(
    { message, signal }: EdgeRequest,
    { request, response }: Interpretation & { kind: 'ordered' },
  ): Promise<EdgeAnswer> {
    const digest = requestDigest(this.o.cluster, request);
    const submission = this.o.submit(request, message);
    if (submission.outcome === 'refused') throw new ConcordatError(asErrorCode(submission.code), submission.detail);
    const early = this.#answerIfSettled(message, request, digest, response);
    if (early !== undefined) return early;
    const settled = await this.o.waiters.wait(request, digest, this.o.requestWaitMs, signal);
    if (settled.kind === 'withdrawn') throw new ConcordatError(asErrorCode(settled.code), settled.detail);
    return this.#answerIfSettled(message, request, digest, response) ?? this.#giveUp(request);
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
    if (this.o.broadcast.isDelivered(position))
      throw new ConcordatError('NotEnabled', 'it is certified and takes effect as soon as it can');
    throw new ConcordatError('NoQuorum', `${position.stream} number ${position.number}`);
  }

  #answerQuestion(message: VerifiedMessage, { question, response }: Interpretation & { kind: 'read' }): EdgeAnswer {
    switch (question.about) {
      case 'participants':
        return reply(message, response, this.o.answers.list('listParticipants', this.#ownActivity(question)));
      case 'initiator-endpoint':
        return reply(message, response, this.o.answers.initiatorEndpoint(this.#ownActivity(question)));
      case 'status':
        this.o.commands.status(question.activity, question.participant, question.messageId);
        return { kind: 'accepted' };
      case 'nothing':
        return { kind: 'accepted' };
    }
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

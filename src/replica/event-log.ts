import type { Delivered, Ready } from '../bft/index.js';
import { parseStream, participantOfStream } from '../contract/index.js';
import type { Logger } from '../log.js';
import { activityId, commandId } from '../wsba/index.js';
import { decodeOperation } from './operation.js';
import type { ServiceEffect } from './service.js';

/** Requests that decide about participants. */
const DECISIONS: ReadonlySet<string> = new Set([
  'closeAllParticipants',
  'closeParticipants',
  'cancelOrCompensateAllParticipants',
  'cancelParticipants',
  'compensateParticipants',
]);

/**
 * One line for each thing that happened, with the ids of the activity and of the request: contradictions are errors; that an activity
 * was created, decided or has ended is information; everything else is for who looks closely (debug).
 */
export class EventLog {
  constructor(private readonly log: Logger) {}

  /** What a turn led to, once it is on disk. */
  turn({ records, delivered, withdrawn }: Ready<readonly ServiceEffect[]>): void {
    for (const record of records) {
      if (record.type === 'vote' && this.#isDetailed) {
        const { stream, number, round, digest } = record;
        this.log.debug({ ...about(stream), number, round, digest }, 'voted');
      } else if (record.type === 'evidence') {
        const { evidence } = record;
        const who = evidence.kind === 'replica' ? { replica: evidence.replica } : { writer: evidence.writer };
        const { stream, number } = evidence.kind === 'replica' ? evidence.first : evidence;
        this.log.error({ ...who, stream, number }, 'two signed statements contradict each other');
      }
    }
    for (const one of delivered) this.#delivered(one);
    if (!this.#isDetailed) return;
    for (const { stream, number, digest, code, detail } of withdrawn) {
      this.log.debug({ ...about(stream), number, digest, code, detail }, 'a request was not voted for in time');
    }
  }

  get #isDetailed(): boolean {
    return this.#keeps('debug');
  }

  #keeps(level: 'info' | 'debug'): boolean {
    return this.log.isLevelEnabled?.(level) ?? level === 'info';
  }

  #delivered({ stream, number, digest, request, effects }: Delivered<readonly ServiceEffect[]>): void {
    const kind = parseStream(stream)?.kind;
    if (this.#keeps(kind === 'participant' ? 'debug' : 'info')) {
      const { body, messageId } = decodeOperation(request.payload);
      const activity = kind === 'create' ? { activity: activityId(digest) } : {};
      const fields = { ...about(stream), ...activity, number, message: body.name, messageId, writer: request.writer, digest };
      if (kind === 'create') this.log.info(fields, 'an activity was created');
      else if (DECISIONS.has(body.name)) this.log.info(fields, 'a decision was delivered');
      else this.log.debug(fields, 'a request was delivered');
    }
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: ServiceEffect): void {
    switch (effect.kind) {
      case 'answered':
        return;
      case 'command': {
        const { activity, participant, command } = effect;
        const messageId = commandId(activity, participant, command);
        return this.log.debug({ activity, participant, command, messageId }, 'a participant is told');
      }
      case 'fault': {
        const { activity, participant, number } = effect;
        return this.log.debug({ activity, participant, number }, 'a notification was passed over');
      }
      case 'ended':
        return this.log.info({ activity: effect.activity }, 'an activity has ended');
    }
  }
}

/** Which activity and participant a stream belongs to. */
function about(stream: string): Record<string, unknown> {
  const parsed = parseStream(stream);
  switch (parsed?.kind) {
    case 'control':
      return { activity: parsed.activity, stream: 'control' };
    case 'participant':
      return { activity: parsed.activity, stream: 'participant', participant: participantOfStream(stream) };
    case 'create':
    case undefined:
      return { stream };
  }
}

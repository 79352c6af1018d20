import { fields, integer, optional, outOf, text, texts } from './codec-read.js';
import { CONTROL_STREAM, isParticipantMessage, isProtocol } from './types.js';
import type { ControlRequest, Input, Notification, Registration } from './types.js';

/** @throws TypeError, naming the field, if the value is not an input. */
export function decodeInput(value: unknown, at: string): Input {
  const o = fields(value, at);
  const stream = text(o['stream'], `${at}.stream`);
  const number = integer(o['number'], `${at}.number`);
  if (stream === CONTROL_STREAM) return { stream, number, request: decodeControl(o['request'], `${at}.request`) };
  return { stream, number, request: decodeParticipantRequest(o['request'], `${at}.request`) };
}

function decodeControl(value: unknown, at: string): ControlRequest {
  const o = fields(value, at);
  const kind = text(o['kind'], `${at}.kind`);
  switch (kind) {
    case 'invite':
      return { kind, matchcode: text(o['matchcode'], `${at}.matchcode`), ...optional('identity', o['identity'], text) };
    case 'complete':
    case 'close':
    case 'compensate':
      return { kind, participants: texts(o['participants'], `${at}.participants`) };
    case 'cancel':
      return { kind, ...optional('participants', o['participants'], texts) };
    case 'end':
      return { kind };
    default:
      throw new TypeError(`${at}.kind: '${kind}' is unknown`);
  }
}

function decodeParticipantRequest(value: unknown, at: string): Registration | Notification {
  const o = fields(value, at);
  const kind = text(o['kind'], `${at}.kind`);
  switch (kind) {
    case 'register':
      return {
        kind,
        participant: text(o['participant'], `${at}.participant`),
        protocol: outOf(isProtocol, o['protocol'], `${at}.protocol`),
        invitation: text(o['invitation'], `${at}.invitation`),
        writer: text(o['writer'], `${at}.writer`),
        service: text(o['service'], `${at}.service`),
      };
    case 'notify': {
      const message = outOf(isParticipantMessage, o['message'], `${at}.message`);
      return { kind, message, ...optional('exception', o['exception'], text) };
    }
    default:
      throw new TypeError(`${at}.kind: '${kind}' is unknown`);
  }
}

/** Codecs of the WS-BusinessActivity 1.1 / 1.2 messages. Decoders throw InvalidParameters. */
import { ConcordatError } from '../../errors.js';
import { type State, STATES } from '../../wsba/index.js';
import { NS } from '../namespaces.js';
import { el, is, type XmlElement } from '../xml.js';
import { clark, Fields, fromClark, readText, showName, TEXT, textElement } from './fields.js';

/** What participants send, besides Fail. */
export const PARTICIPANT_NOTIFICATIONS = ['Completed', 'Compensated', 'Closed', 'Canceled', 'Exit', 'CannotComplete'] as const;
/** What the coordinator sends. Complete exists in CoordinatorCompletion only. */
export const COORDINATOR_NOTIFICATIONS = [
  'Close',
  'Cancel',
  'Compensate',
  'Complete',
  'Failed',
  'Exited',
  'NotCompleted',
] as const;

/** The messages of wsba:NotificationType: a name and nothing that the protocol reads. */
export const NOTIFICATIONS = [...PARTICIPANT_NOTIFICATIONS, ...COORDINATOR_NOTIFICATIONS, 'GetStatus'] as const;
export type NotificationName = (typeof NOTIFICATIONS)[number];

export type WsbaMessage =
  | {
      readonly message: NotificationName;
      readonly exception?: never;
      readonly state?: never;
      readonly extensions: readonly XmlElement[];
    }
  /** exception: `{namespace}local`, or as it was written if its prefix could not be resolved. */
  | { readonly message: 'Fail'; readonly exception: string; readonly state?: never; readonly extensions: readonly XmlElement[] }
  | {
      readonly message: 'Status';
      readonly exception?: never;
      readonly state: State;
      readonly extensions: readonly XmlElement[];
    };

export const encodeNotification = (message: NotificationName, extra: readonly XmlElement[] = []): XmlElement =>
  el(NS.wsba, message, {}, ...extra);

/**
 * wsba:Fail. `exceptionIdentifier` is `{namespace}local`, `wsba:local` or a plain local name. A name of another namespace
 * would need a prefix in scope, which exclusive canonicalization does not keep for names in text; so it travels whole in
 * the extension c:ExceptionIdentifier, and the schema's element says wsba:Fail.
 */
export function encodeFail(exceptionIdentifier: string, extra: readonly XmlElement[] = []): XmlElement {
  const inScope = lexicalInScope(exceptionIdentifier);
  return el(
    NS.wsba,
    'Fail',
    {},
    textElement(NS.wsba, 'ExceptionIdentifier', inScope ?? 'wsba:Fail', TEXT.exceptionIdentifier),
    inScope === undefined
      ? textElement(NS.concordat, 'ExceptionIdentifier', exceptionIdentifier, TEXT.exceptionIdentifier)
      : undefined,
    ...extra,
  );
}

/** The exception as a QName's text whose prefix wsba:Fail itself declares; undefined if there is none. */
function lexicalInScope(exceptionIdentifier: string): string | undefined {
  const name = fromClark(exceptionIdentifier);
  if (name === undefined)
    return /^(wsba:)?[\p{L}_][\p{L}\p{N}_.-]*$/u.test(exceptionIdentifier) ? exceptionIdentifier : undefined;
  return name.ns === NS.wsba ? `wsba:${name.name}` : undefined;
}

export const encodeStatus = (state: State, extra: readonly XmlElement[] = []): XmlElement =>
  el(NS.wsba, 'Status', {}, el(NS.wsba, 'State', {}, `wsba:${state}`), ...extra);

/** Reads any body of the wsba namespace. */
export function decodeNotification(element: XmlElement): WsbaMessage {
  if (is(element, NS.wsba, 'Fail')) return decodeFail(element);
  if (is(element, NS.wsba, 'Status')) return { message: 'Status', ...readStatus(element) };
  const message = NOTIFICATIONS.find((name) => is(element, NS.wsba, name));
  if (message === undefined) {
    throw new ConcordatError('InvalidParameters', `${showName(element)} is not a message of WS-BusinessActivity`);
  }
  return { message, extensions: new Fields(element).extensions(NS.wsba) };
}

function decodeFail(element: XmlElement): WsbaMessage {
  const fields = new Fields(element);
  const schemaName = readText(fields.required(NS.wsba, 'ExceptionIdentifier'), TEXT.exceptionIdentifier);
  const extensions = fields.extensions(NS.wsba);
  const [whole, ...more] = extensions.filter((extension) => is(extension, NS.concordat, 'ExceptionIdentifier'));
  if (more.length > 0) fields.fail('has more than one c:ExceptionIdentifier');
  return {
    message: 'Fail',
    exception: whole === undefined ? schemaName : readText(whole, TEXT.exceptionIdentifier),
    extensions: extensions.filter((extension) => extension !== whole),
  };
}

/** Reads an element of wsba:StatusType, whatever its name. */
export function readStatus(element: XmlElement): { readonly state: State; readonly extensions: readonly XmlElement[] } {
  const fields: Fields = new Fields(element);
  const written = readText(fields.required(NS.wsba, 'State'), TEXT.id);
  const state = STATES.find((name) => written === clark(NS.wsba, name) || written.replace(/^[^{}:]+:/, '') === name);
  if (state === undefined) fields.fail('has a State that is not one of wsba:StateType');
  return { state, extensions: fields.extensions(NS.wsba) };
}

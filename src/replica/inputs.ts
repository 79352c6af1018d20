import type { Request } from '../bft/index.js';
import {
  type Invitation,
  invitationOf,
  parseStream,
  participantOfStream,
  participantStream,
  registersIn,
} from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import {
  decodeCreateCoordinationContext,
  decodeInitiatorRequest,
  decodeNotification,
  decodeRegister,
  eprToXml,
  type InitiatorRequest,
  type ParticipantRef,
  readReferences,
} from '../soap/messages/index.js';
import { NS } from '../soap/namespaces.js';
import { serialize } from '../soap/xml.js';
import {
  type ControlRequest,
  type Input,
  isParticipantMessage,
  type Notification,
  type Outcome,
  type Protocol,
  type Registration,
} from '../wsba/index.js';
import { decodeOperation, type Operation } from './operation.js';

/** A replicated request as the service sees it. */
export type ServiceInput =
  | {
      readonly kind: 'create';
      readonly outcome: Outcome;
      readonly created: number;
      readonly expires?: number;
      /** For an activity inside another: what it registers with. */
      readonly outer?: Invitation;
    }
  | { readonly kind: 'activity'; readonly activity: string; readonly input: Input; readonly operation: Operation };

/** The invitations of an activity as its control stream gave them; for participants named by matchcode alone. */
export interface Invitations {
  readonly isKnown: (matchcode: string) => boolean;
  /** The writer it is reserved for. */
  readonly identity: (matchcode: string) => string | undefined;
}

const OUTCOMES: ReadonlyMap<string, Outcome> = new Map([
  [`${NS.wsba}/AtomicOutcome`, 'AtomicOutcome'],
  [`${NS.wsba}/MixedOutcome`, 'MixedOutcome'],
]);
const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  [`${NS.wsba}/ParticipantCompletion`, 'ParticipantCompletion'],
  [`${NS.wsba}/CoordinatorCompletion`, 'CoordinatorCompletion'],
]);

/** Reads a request. A function of its stream and payload, and of what the control stream said before. @throws ConcordatError */
export function readInput(request: Request, invited: (activity: string) => Invitations): ServiceInput {
  const stream = parseStream(request.stream);
  const operation = decodeOperation(request.payload);
  switch (stream?.kind) {
    case 'create':
      return readCreate(request.stream, operation);
    case 'control': {
      const control = controlRequest(stream.activity, decodeInitiatorRequest(operation.body), invited(stream.activity));
      return {
        kind: 'activity',
        activity: stream.activity,
        operation,
        input: { stream: 'control', number: request.number, request: control },
      };
    }
    case 'participant': {
      const participant = request.number === 1 ? registration(request, operation) : notification(operation);
      return {
        kind: 'activity',
        activity: stream.activity,
        operation,
        input: { stream: request.stream, number: request.number, request: participant },
      };
    }
    case undefined:
      throw new ConcordatError('InvalidSequenceHeader', 'there is no such stream');
  }
}

function readCreate(stream: string, operation: Operation): ServiceInput {
  const { coordinationType, expires, currentContext } = decodeCreateCoordinationContext(operation.body);
  const outcome = OUTCOMES.get(coordinationType);
  if (outcome === undefined) throw new ConcordatError('InvalidParameters', `unknown CoordinationType ${coordinationType}`);
  if (operation.created === undefined) throw new ConcordatError('InvalidSequenceHeader', 'c:Created is missing');
  const create = { kind: 'create', outcome, created: operation.created, ...(expires === undefined ? {} : { expires }) } as const;
  if (currentContext === undefined) return create;
  // Its initiator says once that its work is complete, and the outer activity decides once: that is an atomic outcome.
  if (outcome === 'MixedOutcome') throw new ConcordatError('CannotCreateContext', 'an activity inside another has AtomicOutcome');
  const outer = invitationOf(currentContext);
  if (!registersIn(stream, outer.activity, outer.matchcode))
    throw new ConcordatError('InvalidSequenceHeader', 'the stream is not that of an activity inside this one');
  return { ...create, outer };
}

function registration(request: Request, operation: Operation): Registration {
  const { protocolIdentifier, participantProtocolService } = decodeRegister(operation.body);
  const protocol = PROTOCOLS.get(protocolIdentifier);
  if (protocol === undefined) throw new ConcordatError('InvalidProtocol', protocolIdentifier);
  if (participantProtocolService === undefined)
    throw new ConcordatError('InvalidParameters', 'wscoor:ParticipantProtocolService is missing');
  return {
    kind: 'register',
    participant: participantOfStream(request.stream),
    protocol,
    invitation: readReferences(operation.references).invitation ?? '',
    writer: request.writer,
    service: serialize(eprToXml(NS.wscoor, 'ParticipantProtocolService', participantProtocolService)),
  };
}

function notification(operation: Operation): Notification {
  const { message, exception } = decodeNotification(operation.body);
  if (!isParticipantMessage(message)) throw new ConcordatError('ActionNotSupported', message);
  return { kind: 'notify', message, ...(exception === undefined ? {} : { exception }) };
}

function controlRequest(activity: string, request: InitiatorRequest, invited: Invitations): ControlRequest {
  const ids = (refs: readonly ParticipantRef[]): string[] => refs.map((ref) => idOf(activity, ref, invited));
  switch (request.operation) {
    case 'getCoordinationContextWithMatchcode': {
      const { matchcode, identity } = request;
      return { kind: 'invite', matchcode, ...(identity === undefined ? {} : { identity }) };
    }
    case 'completeParticipants':
      return { kind: 'complete', participants: ids(request.participants) };
    case 'closeParticipants':
    case 'closeAllParticipants':
      return { kind: 'close', participants: ids(request.participants) };
    case 'compensateParticipants':
      return { kind: 'compensate', participants: ids(request.participants) };
    case 'cancelParticipants':
      return { kind: 'cancel', participants: ids(request.participants) };
    case 'cancelOrCompensateAllParticipants':
      return { kind: 'cancel' };
    case 'listParticipants':
      throw new ConcordatError('InvalidSequenceHeader', 'listParticipants is a question and takes no number');
  }
}

/** A matchcode alone names a participant only if the invitation says who may use it: then there is one such participant, ever. */
function idOf(activity: string, ref: ParticipantRef, invited: Invitations): string {
  if (ref.participantId !== undefined) return ref.participantId;
  const matchcode = ref.matchcode ?? '';
  const identity = invited.identity(matchcode);
  if (!invited.isKnown(matchcode)) throw new ConcordatError('UnknownMatchcode', matchcode);
  if (identity === undefined) {
    throw new ConcordatError(
      'InvalidParameters',
      `the invitation ${matchcode} names nobody, so participants must be named by c:ParticipantId`,
    );
  }
  return participantOfStream(participantStream(activity, matchcode, identity));
}

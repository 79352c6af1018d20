import { ConcordatError } from '../errors.js';
import { type CoordinationContext, readReferences } from '../soap/messages/index.js';
import { isActivityId } from './streams.js';

/** What a registration with a context is for. */
export interface Invitation {
  readonly activity: string;
  /** '' for the plain context. */
  readonly matchcode: string;
}

/** @throws ConcordatError InvalidParameters if the context does not name one activity of a Concordat cluster */
export function invitationOf(context: CoordinationContext): Invitation {
  const { activity, invitation } = readReferences(context.registrationService.referenceParameters);
  if (!isActivityId(context.identifier) || activity !== context.identifier) {
    throw new ConcordatError('InvalidParameters', 'the context does not name one activity of a Concordat cluster');
  }
  return { activity, matchcode: invitation ?? '' };
}

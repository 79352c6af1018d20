import type { TimelineLine } from '../../replica/index.js';
import { TRAVEL_LIMITS } from '../limits.js';
import type { MergedLine } from './agree.js';
import type { TimelineLineView, Vote } from './view.js';
import type { People } from './words.js';
import { capital, nameOf, providerName, replicasInWords } from './words.js';

type RequestLine = Extract<TimelineLine, { kind: 'request' }>;
type CommandLine = Extract<TimelineLine, { kind: 'command' }>;

/** Requests by the names on the wire: WS-Coordination, WS-BusinessActivity, WS-BA-I. */
const REQUESTS: Readonly<Record<string, string>> = {
  CreateCoordinationContext: 'opens an activity for the trip',
  getCoordinationContextWithMatchcode: 'makes an invitation that one provider alone can use',
  Register: 'registers: it takes part',
  completeParticipants: 'asks both to do their work now',
  closeParticipants: 'decides: confirm',
  closeAllParticipants: 'decides: everybody has done the work, confirm',
  cancelParticipants: 'cancels',
  compensateParticipants: 'asks to give back what was done',
  cancelOrCompensateAllParticipants: 'decides: undo everything',
  Completed: 'has done its work; it can still be undone',
  CannotComplete: 'cannot complete: there is none left',
  Fail: 'failed',
  Exit: 'takes itself out',
  Canceled: 'has cancelled',
  Closed: 'has confirmed; this is final',
  Compensated: 'has given back what it had taken',
};

const COMMANDS: Readonly<Record<CommandLine['command'], string>> = {
  Complete: 'do your work',
  Close: 'confirm',
  Cancel: 'cancel',
  Compensate: 'give back what you did',
  Failed: 'your failure is noted',
  Exited: 'you are out',
  NotCompleted: 'it is noted that you cannot complete',
};

/** The timeline of an activity, message by message, for as many lines as the page shows. */
export const timelineLines = (
  merged: readonly MergedLine[],
  replicas: readonly number[],
  people: People,
  needed: number,
): TimelineLineView[] => merged.slice(0, TRAVEL_LIMITS.shownLines).map((line) => lineView(line, replicas, people, needed));

function lineView(merged: MergedLine, replicas: readonly number[], people: People, needed: number): TimelineLineView {
  const { line } = merged;
  const notes = [...(line.kind === 'request' && line.waiting ? [WAITING] : []), ...claimOf(merged, needed)];
  const note = notes.length === 0 ? {} : { note: notes.join(' ') };
  return line.kind === 'request'
    ? { ...requestView(line, merged, replicas, people, needed), ...note }
    : { ...commandView(line, merged, replicas, needed), ...note };
}

const WAITING = 'Delivered, and held until the decision makes it legal.';

function claimOf({ replicas }: MergedLine, needed: number): string[] {
  return replicas.length >= needed ? [] : [`So far only ${replicasInWords(replicas)} says so.`];
}

function requestView(line: RequestLine, merged: MergedLine, replicas: readonly number[], people: People, needed: number) {
  const who = nameOf(line.signer, people);
  const votes = replicas.map((id) => voteOf(merged.votes.get(id) ?? 0, needed));
  const voters = replicas.filter((_, index) => votes[index] === 'certain');
  const claimed = replicas.filter((_, index) => votes[index] === 'claimed');
  const rounds = line.control ? ', in two rounds of votes' : '';
  const certain =
    voters.length === 0 ? 'No certificate confirmed by two replicas yet' : `Certified by ${replicasInWords(voters)}${rounds}`;
  const beside = claimed.length === 0 ? '' : `; one replica also holds a vote of ${replicasInWords(claimed)}`;
  return {
    kind: 'request',
    message: line.message,
    says: `${capital(who)} ${REQUESTS[line.message] ?? `sends ${line.message}`}.`,
    signer: `${who}, its number ${line.number}`,
    votes,
    votesSay: `${certain}${beside}.`,
  } as const;
}

const voteOf = (holders: number, needed: number): Vote => (holders >= needed ? 'certain' : holders > 0 ? 'claimed' : 'none');

function commandView(line: CommandLine, merged: MergedLine, replicas: readonly number[], needed: number) {
  const to = providerName(line.matchcode);
  const certain = merged.replicas.length >= needed;
  return {
    kind: 'command',
    message: line.command,
    says: `The coordinator tells ${to}: ${COMMANDS[line.command]}.`,
    signer: 'each replica for itself',
    votes: replicas.map((id): Vote => (!merged.replicas.includes(id) ? 'none' : certain ? 'certain' : 'claimed')),
    votesSay: `${capital(replicasInWords(merged.replicas))} ${merged.replicas.length === 1 ? 'says' : 'say'} so; ${to} obeys two that say the same.`,
  } as const;
}

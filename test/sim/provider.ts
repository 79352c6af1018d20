import { ConcordatError } from '../../src/errors.js';
import { CannotUndo, type CoordinationContext, type Enrollment, type Handlers, Participant } from '../../src/client/index.js';
import { CLIENT_SIM_LIMITS, ClientNode } from './client-node.js';
import { credentialsOf } from './cluster.js';
import type { Process } from './process.js';
import type { Behaviour, InvitePlan } from './scenario.js';

/** An invitation that reached a provider. */
export interface Assignment {
  /** Whether its initiator keeps to the protocol, so that it comes to an end. */
  readonly honest: boolean;
  readonly key: string;
  readonly context: CoordinationContext;
  readonly invite: InvitePlan;
}

/** How an enrollment of an honest provider went. */
export interface Outcome {
  readonly participant: string;
  readonly activity: string;
  readonly done: Set<string>;
}

/** A business that takes part in activities: the shipped Participant, and handlers that do as their plan says. */
export class Provider extends ClientNode {
  /** On its own disk, as the orders of a business are. */
  readonly #assignments = new Map<string, Assignment>();
  readonly #ended = new Set<string>();
  readonly outcomes = new Map<string, Outcome>();
  #participant: { readonly process: Process; readonly participant: Participant } | undefined;

  assign(assignment: Assignment): void {
    if (this.#assignments.has(assignment.key)) return;
    this.#assignments.set(assignment.key, assignment);
    const running = this.#participant;
    if (running !== undefined && running.process.alive) this.#begin(running.process, running.participant, assignment);
  }

  unfinished(): string[] {
    return [...this.#assignments.values()].flatMap(({ key, honest }) => (!honest || this.#ended.has(key) ? [] : [key]));
  }

  protected async run(process: Process): Promise<void> {
    const participant = await Participant.open({
      cluster: this.cluster,
      credentials: credentialsOf(this.name),
      store: this.store(process),
      listen: { host: this.name, port: 80 },
      handlers: this.#handlers(process),
      limits: CLIENT_SIM_LIMITS,
      ports: this.ports(process),
    });
    this.#participant = { process, participant };
    for (const assignment of this.#assignments.values()) this.#begin(process, participant, assignment);
  }

  #begin(process: Process, participant: Participant, assignment: Assignment): void {
    this.guard(process, this.#work(process, participant, assignment));
  }

  async #work(process: Process, participant: Participant, { key, context, invite }: Assignment): Promise<void> {
    const { protocol, behaviour, workMs } = invite;
    const enrollment = await this.insist(process, `register ${key}`, () => participant.register(context, { key, protocol }));
    this.#outcome(enrollment);
    await this.pause(process, workMs);
    await this.insist(process, `report ${key}`, () => report(enrollment, behaviour)).catch(unlessEnded);
    await this.insist(process, `the end of ${key}`, () => enrollment.ended());
    this.#ended.add(key);
    this.world.trace.note(this.name, `has ended ${key}`);
  }

  #outcome({ key, participant, activity }: Enrollment): Outcome {
    const known = this.outcomes.get(key);
    if (known !== undefined) return known;
    const made: Outcome = { participant, activity, done: new Set() };
    this.outcomes.set(key, made);
    return made;
  }

  #handlers(process: Process): Handlers {
    const handle =
      (handler: string) =>
      async (enrollment: Enrollment): Promise<void> => {
        process.check();
        this.#outcome(enrollment).done.add(handler);
        this.world.judge.obeyed(this.name, enrollment.participant, handler);
        const behaviour = this.#assignments.get(enrollment.key)?.invite.behaviour;
        await this.pause(process, 5);
        if (behaviour === 'cannot undo' && handler !== 'close') throw new CannotUndo('Sold');
      };
    return { complete: handle('complete'), close: handle('close'), cancel: handle('cancel'), compensate: handle('compensate') };
  }
}

/** What a participant says when its work is over; with CoordinatorCompletion it is asked to complete instead. */
async function report(enrollment: Enrollment, behaviour: Behaviour): Promise<void> {
  switch (behaviour) {
    case 'exits':
      return enrollment.exit();
    case 'cannot complete':
      return enrollment.cannotComplete();
    case 'fails':
      return enrollment.fail('Broken');
    case 'completes':
    case 'cannot undo':
      if (enrollment.protocol === 'ParticipantCompletion') return enrollment.completed();
      return;
    case 'idles':
      return;
  }
}

/** A command came first. */
function unlessEnded(error: unknown): void {
  if (!(error instanceof ConcordatError) || error.code !== 'InvalidState') throw error;
}

import { ConcordatError } from '../../src/errors.js';
import { Initiator, type InitiatorActivity, type ParticipantState } from '../../src/client/index.js';
import type { CoordinationContext } from '../../src/client/index.js';
import { CLIENT_SIM_LIMITS, ClientNode } from './client-node.js';
import { credentialsOf } from './cluster.js';
import type { Process } from './process.js';
import type { ActivityPlan } from './scenario.js';
import type { World } from './world.js';

/** How long one wait for participants lasts, before the agency looks whether it still wants to wait. */
const WAIT_MS = 2_000;

/** A decision that the replicas agreed to. */
export interface Decided {
  readonly outcome: 'atomic' | 'mixed';
  readonly kind: 'close' | 'cancel' | 'compensate' | undefined;
  readonly participants: readonly string[] | undefined;
  readonly all: readonly string[];
  /** What is closed inside another activity may be undone by that one. */
  readonly inner: boolean;
}

/** A business that starts activities, invites participants, and decides: the shipped Initiator, driven by a plan. */
export class Agency extends ClientNode {
  readonly #finished = new Set<string>();
  /** By activity: what was decided about atomic ones, and all who took part as far as the agency knows. */
  readonly decided = new Map<string, Decided>();

  constructor(
    world: World,
    name: string,
    private readonly plans: readonly ActivityPlan[],
  ) {
    super(world, name);
  }

  unfinished(): string[] {
    return this.plans.flatMap(namesOf).filter((name) => !this.#finished.has(name));
  }

  protected async run(process: Process): Promise<void> {
    const initiator = await Initiator.open({
      cluster: this.cluster,
      credentials: credentialsOf(this.name),
      store: this.store(process),
      limits: CLIENT_SIM_LIMITS,
      ports: this.ports(process),
    });
    for (const plan of this.plans) this.guard(process, this.#conduct(process, initiator, plan));
  }

  async #conduct(process: Process, initiator: Initiator, plan: ActivityPlan, inside?: CoordinationContext): Promise<void> {
    await this.pause(process, plan.startMs);
    const activity = await this.insist(process, `create ${plan.name}`, () =>
      initiator.createActivity({ name: plan.name, outcome: plan.outcome, ...(inside === undefined ? {} : { inside }) }),
    );
    this.world.activityBegun(this, activity.id, plan);
    await Promise.all(plan.invites.map((invite) => this.#invite(process, activity, invite)));
    if (plan.inner !== undefined) await this.#nest(process, initiator, activity, plan.inner);
    await this.#decide(process, activity, plan);
    this.#remember(activity, await this.#awaitEnd(process, activity, plan), inside !== undefined);
    this.#finished.add(plan.name);
    this.world.trace.note(this.name, `has finished ${plan.name}`);
  }

  async #invite(process: Process, activity: InitiatorActivity, invite: ActivityPlan['invites'][number]): Promise<void> {
    const { matchcode, reserved, provider } = invite;
    const guest = this.world.provider(provider);
    const options = reserved ? { identity: guest.writer } : {};
    const context = await this.insist(process, `invite ${matchcode}`, () => activity.invite(matchcode, options));
    this.world.loop.after(invite.joinsAfterMs, () =>
      guest.assign({ key: `${this.name} ${matchcode}`, context, invite, honest: this.honest }),
    );
  }

  /** An activity inside: its initiator's word that all is done is what the outer one waits for. */
  async #nest(process: Process, initiator: Initiator, outer: InitiatorActivity, plan: ActivityPlan): Promise<void> {
    const context = await this.insist(process, `invite ${plan.name}`, () => outer.invite(plan.name));
    this.guard(process, this.#conduct(process, initiator, plan, context));
  }

  async #decide(process: Process, activity: InitiatorActivity, plan: ActivityPlan): Promise<void> {
    if (plan.outcome === 'mixed') return this.#decideEach(process, activity, plan);
    const giveUpAt = process.steadyClock() + plan.patienceMs;
    for (;;) {
      const decided = activity.decisions.find(({ status }) => status !== 'refused');
      const late = process.steadyClock() >= giveUpAt;
      const cancels = decided === undefined ? plan.decision === 'cancel' || late : decided.kind === 'cancel';
      if (decided === undefined && plan.decision === 'cancel') await this.pause(process, plan.patienceMs / 4);
      try {
        await (cancels ? activity.cancel() : this.#close(process, activity, plan, giveUpAt));
        return;
      } catch (error) {
        process.check();
        if (!(error instanceof ConcordatError)) throw error;
        this.world.trace.note(this.name, `cannot ${cancels ? 'cancel' : 'close'} ${plan.name} yet`, () => error.message);
        if (error.code === 'InvalidState' && activity.decisions.every(({ status }) => status === 'refused')) {
          // Somebody failed, or it was decided about from outside: then cancel, or there is nothing left to decide.
          if (cancels) return;
          return this.insist(process, `cancel ${plan.name}`, () => activity.cancel()).catch(unlessDecided);
        }
        if (!error.entry.retryable) throw error;
        await this.pause(process, WAIT_MS / 2);
      }
    }
  }

  async #close(process: Process, activity: InitiatorActivity, plan: ActivityPlan, giveUpAt: number): Promise<void> {
    if (activity.decision === undefined) {
      await this.pause(process, WAIT_MS / 2);
      if (mustComplete(plan)) await activity.complete().catch(unlessDecided);
    }
    await activity.close(undefined, { waitMs: Math.max(1, Math.min(WAIT_MS, giveUpAt - process.steadyClock())) });
  }

  /** In a mixed activity each participant meets its own end: by turns closed and compensated, canceled if it never completes. */
  async #decideEach(process: Process, activity: InitiatorActivity, plan: ActivityPlan): Promise<void> {
    const giveUpAt = process.steadyClock() + plan.patienceMs;
    for (;;) {
      await this.pause(process, WAIT_MS / 2);
      const late = process.steadyClock() >= giveUpAt;
      const all = await this.insist(process, 'list', () => activity.participants());
      if (!late && mustComplete(plan)) await activity.complete().catch(unlessDecided);
      const open = all.filter(({ id, agreedState }) => agreedState !== 'Ended' && !this.#isDecided(activity, id));
      if (late && open.length === 0 && this.#haveCome(all, plan)) return;
      for (const participant of open) await this.#decideOne(process, activity, participant, late);
    }
  }

  /** Whether every honest guest has registered: nobody else decides about one that comes later. */
  #haveCome(all: readonly ParticipantState[], { invites }: ActivityPlan): boolean {
    const come = new Set(all.map(({ matchcode }) => matchcode));
    return invites.every(({ provider, matchcode }) => come.has(matchcode) || !this.world.provider(provider).honest);
  }

  #isDecided(activity: InitiatorActivity, id: string): boolean {
    return activity.decisions.some(({ status, participants }) => status === 'agreed' && participants?.includes(id) === true);
  }

  async #decideOne(process: Process, activity: InitiatorActivity, { id, ready }: ParticipantState, late: boolean): Promise<void> {
    const pending = activity.decisions.find(
      ({ status, participants }) => status === 'pending' && participants?.includes(id) === true,
    );
    const kind = pending?.kind ?? (ready ? (id.charCodeAt(id.length - 1) % 2 === 0 ? 'close' : 'compensate') : 'cancel');
    if (kind === 'cancel' && !late && pending === undefined) return;
    const ids = pending?.participants ?? [id];
    const wait = { waitMs: WAIT_MS };
    try {
      if (kind === 'close') await activity.close(ids, wait);
      else if (kind === 'compensate') await activity.compensate(ids, wait);
      else await activity.cancel(ids, wait);
    } catch (error) {
      process.check();
      unlessDecided(error);
    }
  }

  #remember(activity: InitiatorActivity, all: readonly ParticipantState[], inner: boolean): void {
    const decision = activity.decisions.find(({ status }) => status === 'agreed');
    this.decided.set(activity.id, {
      outcome: activity.outcome,
      kind: decision?.kind,
      participants: decision?.participants,
      all: all.map(({ id }) => id),
      inner,
    });
  }

  /** Honest participants come to their end; nobody waits for the others. */
  async #awaitEnd(process: Process, activity: InitiatorActivity, plan: ActivityPlan): Promise<ParticipantState[]> {
    if (!this.world.isHonestParty(plan)) return this.insist(process, 'list', () => activity.participants());
    await this.pause(process, WAIT_MS / 3);
    return this.insist(process, `the end of ${plan.name}`, () => activity.ended({ waitMs: WAIT_MS }));
  }
}

const namesOf = ({ name, inner }: ActivityPlan): string[] => [name, ...(inner === undefined ? [] : namesOf(inner))];

/** Whether somebody waits to be told that no more work comes. */
const mustComplete = ({ invites }: ActivityPlan): boolean => invites.some(({ protocol }) => protocol === 'CoordinatorCompletion');

/** What can be refused because something was decided meanwhile, or tried again later. */
function unlessDecided(error: unknown): void {
  if (error instanceof ConcordatError && (error.code === 'InvalidState' || error.entry.retryable)) return;
  throw error;
}

import { join } from 'node:path';
import { pino } from 'pino';
import { loadClientKeys } from '../../src/config/index.js';
import { createLogger } from '../../src/log.js';
import { Random } from '../support/random.js';
import type { Decision } from './agency.js';
import { SoakAgency } from './agency.js';
import type { Finding } from './audit.js';
import { audit, readInventory } from './audit.js';
import { Campaign } from './campaign.js';
import { checkHonest, whatDiffers } from './health.js';
import { SOAK_LIMITS } from './limits.js';
import type { Options } from './options.js';
import type { Town } from './town.js';
import { AGENCIES } from './town.js';
import { Violation } from './violation.js';
import { untilNothing } from './watch.js';

/** What a soak came to. */
export interface Result {
  readonly faults: ReadonlyMap<string, number>;
  readonly booked: number;
  readonly bookedDuringFault: number;
  /** Trips undone, by what kind of trip they were. */
  readonly undone: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

/** One soak, from the keys to the audit of the books. */
export class Soak {
  readonly #ending = new AbortController();
  readonly #random: Random;
  readonly #campaign: Campaign;
  #agencies: readonly SoakAgency[] = [];
  #booked = 0;
  #bookedDuringFault = 0;

  constructor(
    private readonly town: Town,
    { seconds, seed }: Options,
    private readonly say: (line: string) => void,
  ) {
    this.#random = new Random(seed);
    const { signal } = this.#ending;
    this.#campaign = new Campaign({ town, random: new Random(seed), seconds, booked: () => this.#booked, signal, say });
  }

  /** Whatever replicas and providers do wrong is a finding; what is wrong with the soak itself is thrown. */
  async run(): Promise<Result> {
    await this.town.start();
    this.#agencies = await Promise.all(AGENCIES.map((name) => this.#openAgency(name)));
    const lanes = this.#agencies.flatMap((agency) =>
      Array.from({ length: SOAK_LIMITS.lanes }, () => agency.work(new Random(this.#random.below(2 ** 32)), this.#ending.signal)),
    );
    const findings = [await found(Promise.race([this.#campaign.run(), this.town.broken, onlyFailure(Promise.all(lanes))]))];
    this.#ending.abort();
    this.say('no more faults and no more new trips: what is under way is carried to its end');
    findings.push(await found(untilNothing(() => this.#open(), SOAK_LIMITS.settleMs)));
    findings.push(await found(untilNothing(() => this.#different(), SOAK_LIMITS.settleMs)));
    return this.#result([...findings.flat(), ...this.#audit()]);
  }

  /** Ends what goes on in this process; the town's processes are the town's. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#agencies.map((agency) => agency.close()));
  }

  #openAgency(name: string): Promise<SoakAgency> {
    const { town } = this;
    return SoakAgency.open({
      name,
      cluster: town.cluster,
      credentials: loadClientKeys(town.cluster.dir, name),
      partners: town.partners,
      folder: town.agencyFolder(name),
      log: createLogger(name, 'info', pino.destination({ dest: join(town.logs, `${name}.log`), sync: true })),
      onAcknowledged: (decision) => this.#acknowledged(decision),
    });
  }

  #acknowledged(decision: Decision): void {
    if (decision !== 'close') return;
    this.#booked += 1;
    if (this.#campaign.isUnderFault) this.#bookedDuringFault += 1;
  }

  #open(): string | undefined {
    const open = this.#agencies.flatMap((agency) => agency.open);
    if (open.length === 0) return undefined;
    return `not over: ${open.map(({ id, state, activity }) => `${id} (${state}, ${activity ?? 'no activity'})`).join(', ')}`;
  }

  async #different(): Promise<string | undefined> {
    const status = await this.town.status();
    checkHonest(status);
    return whatDiffers(status);
  }

  #audit(): readonly Finding[] {
    const trips = this.#agencies.flatMap((agency) => agency.trips);
    const { town } = this;
    return audit(trips, {
      airline: readInventory(town.inventoryFile('airline')),
      hotel: readInventory(town.inventoryFile('hotel')),
    });
  }

  #result(findings: readonly Finding[]): Result {
    const undone = new Map<string, number>();
    for (const { kind, booking } of this.#agencies.flatMap((agency) => agency.trips)) {
      if (booking.state === 'undone') undone.set(kind, (undone.get(kind) ?? 0) + 1);
    }
    const { counts: faults } = this.#campaign;
    return { faults, booked: this.#booked, bookedDuringFault: this.#bookedDuringFault, undone, findings };
  }
}

/** What must never be and was seen, if anything was. */
async function found(work: Promise<unknown>): Promise<readonly Finding[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return [{ kind: 'other', text: error.message, activity: error.activity }];
  }
}

const onlyFailure = async (work: Promise<unknown>): Promise<never> => {
  await work;
  return new Promise(() => undefined);
};

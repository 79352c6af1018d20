import type { KeyPair, LoadedCluster, LoadedReplica } from '../../config/index.js';
import { ConcordatError } from '../../errors.js';
import { askOperator } from '../../peers/index.js';
import type { ActivityReport, ActivitySummary, ReplicaStatus } from '../../replica/index.js';
import { TRAVEL_LIMITS } from '../limits.js';
import { readActivities, readReport, readStatus } from './decode.js';
import type { ReplicaReading } from './readings.js';

/** Asks one replica one thing. */
export type Ask = (request: unknown) => Promise<unknown>;

/** Asks on the operator port, with the agency's own certificate. */
export const askReplica =
  (cluster: LoadedCluster, { peer, fingerprint }: LoadedReplica, credentials: KeyPair): Ask =>
  (request) =>
    askOperator({
      host: peer.host,
      port: peer.port,
      fingerprint,
      credentials,
      authorities: cluster.authorityPems,
      request,
      timeoutMs: Math.min(cluster.limits.operatorTimeoutMs, TRAVEL_LIMITS.askMs),
    });

/** Reads one replica. The status is asked for every time, the rest only when the status says that something has changed. */
export class ReplicaReader {
  #known:
    | {
        readonly mark: string;
        readonly activities: readonly ActivitySummary[];
        readonly reports: ReadonlyMap<string, ActivityReport>;
      }
    | undefined;

  constructor(
    private readonly id: number,
    private readonly ask: Ask,
  ) {}

  /** @param wanted activities to be read in full; never rejects: whatever goes wrong is a replica that does not answer */
  async read(wanted: readonly string[]): Promise<ReplicaReading> {
    try {
      const status = readStatus(await this.ask({ ask: 'status' }), 'status');
      const mark = markOf(status);
      const fresh = this.#known?.mark === mark ? this.#known : undefined;
      const activities =
        fresh?.activities ?? readActivities(await this.ask({ ask: 'activities', limit: TRAVEL_LIMITS.shownTrips }), 'activities');
      const reports = new Map<string, ActivityReport>();
      for (const activity of wanted) {
        const report = fresh?.reports.get(activity) ?? (await this.#report(activity));
        if (report !== undefined) reports.set(activity, report);
      }
      this.#known = { mark, activities, reports };
      return { id: this.id, heard: { kind: 'answer', status, activities, reports } };
    } catch (error) {
      this.#known = undefined;
      return { id: this.id, heard: { kind: 'silent', why: whySilent(error) } };
    }
  }

  async #report(activity: string): Promise<ActivityReport | undefined> {
    try {
      return readReport(await this.ask({ ask: 'activity', activity }), 'activity');
    } catch (error) {
      if (error instanceof ConcordatError && error.code === 'UnknownActivity') return undefined;
      throw error;
    }
  }
}

/** Changes whenever anything changes that the other questions would show. */
const markOf = ({ deliveries, positions, state, open, pending, commands }: ReplicaStatus): string =>
  JSON.stringify([deliveries, positions, state, open, pending, commands]);

function whySilent(error: unknown): string {
  if (!(error instanceof ConcordatError)) return 'It gave an answer that cannot be read.';
  switch (error.code) {
    case 'ReplicaUnreachable':
      return /no answer in/.test(error.message)
        ? 'It takes no questions in time: paused, or cut off.'
        : 'Nothing runs at its address.';
    case 'InvalidParameters':
      return 'It gave an answer that makes no sense.';
    case 'NotAuthorized':
      return 'It does not take the agency for an operator: these keys are of an older demo.';
    default:
      return `It answers with an error: ${error.code}.`;
  }
}

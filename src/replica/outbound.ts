import type { Digest, Position } from '../bft/index.js';
import type { ClusterAddresses } from '../contract/index.js';
import type { Logger } from '../log.js';
import { type EndpointReference, type OutgoingMessage, SoapCaller, type SoapCallerOptions } from '../soap/index.js';
import { type Activity, commandId, isParticipantMessage, type ParticipantRecord, type State } from '../wsba/index.js';
import { Acknowledgements, isAcknowledgement } from './acknowledgements.js';
import { Commands } from './commands.js';
import type { CommandOptions } from './commands.js';
import { Correspondence } from './correspondence.js';
import { Courier } from './courier.js';
import { Notices } from './notices.js';
import { decodeOperation, type Operation } from './operation.js';
import type { ReplicaPorts } from './ports.js';
import type { CoordinationService, ServiceEffect } from './service.js';

/** An endpoint has this long to take a message. */
const TIMEOUT_MS = 10_000;

export interface OutboundOptions extends Pick<CommandOptions, 'done' | 'markDone' | 'limits'> {
  readonly ports: ReplicaPorts;
  readonly addresses: ClusterAddresses;
  readonly soap: Omit<SoapCallerOptions, 'transport'>;
  readonly service: Pick<CoordinationService, 'activity' | 'activities'>;
  /** The payload of a delivered request. */
  readonly payload: (stream: string, number: number) => Uint8Array | undefined;
  readonly digest: (position: Position) => Digest | undefined;
  readonly log: Logger;
}

/** All that a replica sends by exchanges of its own: commands until they are answered, everything else once. */
export class Outbound {
  readonly correspondence = new Correspondence();
  readonly notices: Notices;
  readonly #transport: ReturnType<ReplicaPorts['transport']>;
  readonly #acknowledgements: Acknowledgements;
  readonly #commands: Commands;
  readonly #courier: Courier;

  constructor(private readonly o: OutboundOptions) {
    const { addresses, service, log, ports } = o;
    this.#transport = ports.transport(TIMEOUT_MS);
    const caller = new SoapCaller({ ...o.soap, transport: this.#transport });
    const send = ports.participants((url, message, signal) => caller.call(url, message, signal));
    const activity = (id: string): Activity | undefined => service.activity(id);
    this.#acknowledgements = new Acknowledgements({
      activity,
      notification: (stream, number) => {
        const name = this.#operation(stream, number)?.body.name ?? '';
        return isParticipantMessage(name) ? name : undefined;
      },
    });
    this.#commands = new Commands({
      addresses,
      send,
      activity,
      done: o.done,
      markDone: o.markDone,
      attempted: (id, participant, command) => {
        if (isAcknowledgement(command)) this.#acknowledgements.attempted(id, participant);
      },
      limits: o.limits,
      ports,
      log,
    });
    this.#courier = new Courier({ send, log }, ports);
    this.notices = new Notices({
      addresses,
      activity,
      stateOf: (id, record) => this.stateOf(id, record),
      mail: (message, to) => this.#courier.mail(message, to),
    });
  }

  /** Commands that are not answered yet. */
  get outstanding(): number {
    return this.#commands.outstanding;
  }

  /** The state that this replica shows of a participant: a transient one while its own acknowledgement is unsent. */
  stateOf(activity: string, record: ParticipantRecord): State {
    return this.#acknowledgements.stateOf(activity, record);
  }

  /** Takes a reply or fault, addressed already, that does not go back on the exchange; false if there is no room. */
  deliver(message: OutgoingMessage, to: EndpointReference): boolean {
    return this.#courier.post(message, to);
  }

  /** What a delivery caused in an earlier life. */
  replay(effects: readonly ServiceEffect[]): void {
    this.#acknowledgements.replay(effects);
  }

  /** After the replay: takes up what was not done in an earlier life. */
  resume(): void {
    this.#acknowledgements.resume((activity, participant, command) => this.o.done.has(commandId(activity, participant, command)));
    this.#commands.resume(this.o.service.activities());
  }

  /** Sends what a delivery asks for. */
  follow(effects: readonly ServiceEffect[]): void {
    for (const effect of this.#acknowledgements.observe(effects)) {
      if (effect.kind === 'command') this.#commands.command(effect.activity, effect.participant, effect.command);
      else if (effect.kind === 'fault') this.#fault(effect);
    }
  }

  close(): void {
    this.#commands.close();
    this.#courier.close();
    this.#transport.close();
  }

  #fault(effect: ServiceEffect & { kind: 'fault' }): void {
    const { activity, participant, stream, number } = effect;
    const operation = this.#operation(stream, number);
    const digest = this.o.digest({ stream, number });
    if (operation === undefined || digest === undefined) return;
    const { messageId, action } = operation;
    const sender = this.correspondence.find({ stream, number }, digest);
    this.notices.fault({ activity, participant, messageId, action, sender });
  }

  #operation(stream: string, number: number): Operation | undefined {
    const payload = this.o.payload(stream, number);
    return payload === undefined ? undefined : decodeOperation(payload);
  }
}

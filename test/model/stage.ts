import { Initiator, type InitiatorPlan } from './initiator.js';
import { type Character, Participant } from './participant.js';
import type { Guest, Matchcode, Slot } from './names.js';
import type { Protocol } from '../../src/wsba/index.js';
import { type Setup, type Substitutes, World } from './world.js';

/** The simulated cluster with everybody who uses it. */
export class Stage {
  readonly world: World;
  readonly initiators = new Map<Slot, Initiator>();
  readonly #guests = new Map<string, Participant>();

  constructor(setup: Setup, substitutes?: Substitutes) {
    this.world = new World(setup, substitutes);
  }

  get guests(): Iterable<Participant> {
    return this.#guests.values();
  }

  createActivity(slot: Slot, plan: InitiatorPlan): Initiator {
    const initiator = new Initiator(this.world, slot, plan);
    this.initiators.set(slot, initiator);
    return initiator;
  }

  initiator(slot: Slot): Initiator {
    return present(this.initiators.get(slot), slot);
  }

  join(slot: Slot, guest: Guest, protocol: Protocol, matchcode: Matchcode | '', character: Character): Participant {
    const initiator = this.initiator(slot);
    const participant = new Participant(this.world, initiator.activity, guest, protocol, matchcode, character);
    this.#guests.set(`${slot}.${guest}`, participant);
    initiator.guests.push(participant);
    return participant;
  }

  guest(slot: Slot, guest: Guest): Participant {
    return present(this.#guests.get(`${slot}.${guest}`), `${slot}.${guest}`);
  }
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new RangeError(`${name} is not there: a command ran whose check must have failed`);
  return value;
}

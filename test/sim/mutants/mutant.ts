import type { ClientNode, ClientTamper } from '../client-node.js';
import type { Tamper } from '../replica-node.js';

/** A variant of the product that is broken on purpose: made by wrapping its ports and options, never by a switch of its own. */
export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly about: string;
  readonly replica?: Tamper;
  readonly client?: (client: ClientNode) => ClientTamper;
  /** For what no port reaches: alters a class while schedules run. @returns what puts it right again */
  readonly install?: () => () => void;
  /** For what no class reaches: another text in the place of one in a module, as it is loaded. */
  readonly source?: SourceChange;
}

export interface SourceChange {
  /** How the URL of the module ends. */
  readonly module: string;
  readonly from: string;
  readonly to: string;
}

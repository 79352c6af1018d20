import { ConcordatError } from '../errors.js';
import { ADDRESSING_HEADERS, clarkName, isTrue } from './addressing.js';
import { attributeOf } from './document/index.js';
import type { SourceElement } from './document/index.js';
import { NS } from './namespaces.js';
import { SOAP_NS } from './parse.js';
import type { SoapVersion } from './parse.js';

/** A header block, and whether the signature covers it. */
export interface HeaderBlock {
  readonly source: SourceElement;
  readonly isSigned: boolean;
}

export interface QualifiedName {
  readonly ns: string;
  readonly name: string;
}

/** Headers marked mustUnderstand that are not understood: the fault names each of them (SOAP 1.2 part 1 §5.4.8). */
export class NotUnderstood extends ConcordatError {
  constructor(
    readonly blocks: readonly QualifiedName[],
    detail: string,
  ) {
    super('MustUnderstand', detail);
  }
}

/** How each version says that a block must be understood, and which roles a receiver of ours plays. An absent role is the last one. */
const RULES: Readonly<Record<SoapVersion, { readonly role: string; readonly ours: ReadonlySet<string> }>> = {
  // SOAP 1.1 §4.2.2
  '1.1': { role: 'actor', ours: new Set(['', 'http://schemas.xmlsoap.org/soap/actor/next']) },
  // SOAP 1.2 part 1 §2.2
  '1.2': { role: 'role', ours: new Set(['', `${NS.soap12}/role/next`, `${NS.soap12}/role/ultimateReceiver`]) },
};

/** What every endpoint here acts upon: WS-Addressing, contexts, the stream header, and the reference parameters that we hand out. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  ...[...ADDRESSING_HEADERS].map((name) => clarkName({ ns: NS.wsa, name })),
  clarkName({ ns: NS.wscoor, name: 'CoordinationContext' }),
  ...['Sequence', 'Activity', 'Invitation', 'Participant', 'Enrollment'].map((name) => clarkName({ ns: NS.concordat, name })),
]);

/**
 * Obeys mustUnderstand: a block that its sender insists on, and that is meant for us, is understood and signed, or nothing of the
 * message is processed.
 * @param more Clark names that this endpoint understands besides
 * @throws NotUnderstood
 */
export function checkMustUnderstand(
  blocks: readonly HeaderBlock[],
  version: SoapVersion,
  more: ReadonlySet<string> = new Set(),
): void {
  const refused = blocks.flatMap(({ source, isSigned }) => {
    if (!insists(source, version)) return [];
    const name = { ns: source.ns, name: source.local };
    const isKnown = UNDERSTOOD.has(clarkName(name)) || more.has(clarkName(name));
    if (isKnown && isSigned) return [];
    return [{ name, why: isKnown ? `${clarkName(name)} is not signed` : clarkName(name) }];
  });
  if (refused.length === 0) return;
  throw new NotUnderstood(
    refused.map(({ name }) => name),
    refused.map(({ why }) => why).join(', '),
  );
}

/** True if the block is marked mustUnderstand, in the words of the envelope's own version, and meant for us. */
function insists(block: SourceElement, version: SoapVersion): boolean {
  const { role, ours } = RULES[version];
  const soap = SOAP_NS[version];
  if (!isTrue(attributeOf(block, soap, 'mustUnderstand')?.trim())) return false;
  return ours.has((attributeOf(block, soap, role) ?? '').trim());
}

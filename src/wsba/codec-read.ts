/** Reading JSON that may be damaged: each reader checks the type and throws a TypeError that names the place. */

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function fields(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new TypeError(`${at}: an object expected`);
  return value;
}

export function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw new TypeError(`${at}: a string expected`);
  return value;
}

export function integer(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new TypeError(`${at}: an integer expected`);
  return value;
}

export function outOf<T extends string>(guard: (text: string) => text is T, value: unknown, at: string): T {
  const found = text(value, at);
  if (!guard(found)) throw new TypeError(`${at}: '${found}' is unknown`);
  return found;
}

export function array<T>(value: unknown, at: string, read: (member: unknown, at: string) => T): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError(`${at}: a list expected`);
  return value.map((member: unknown, index) => read(member, `${at}[${index}]`));
}

export const texts = (value: unknown, at: string): readonly string[] => array(value, at, text);

/** A member that is left out where the value is absent. */
export function optional<K extends string, T>(key: K, value: unknown, read: (value: unknown, at: string) => T): { [P in K]?: T } {
  const member: { [P in K]?: T } = {};
  if (value !== undefined) member[key] = read(value, key);
  return member;
}

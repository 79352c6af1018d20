/**
 * The part of the Reflect metadata proposal that @peculiar/x509 needs before it can be loaded: it resolves its crypto
 * provider through decorators. Imported for its effect, before that package, and only where certificates are made.
 */
const tables = new WeakMap<object, Map<string, unknown>>();

const keyOf = (key: unknown, property?: PropertyKey): string => `${String(property ?? '')}\u0000${String(key)}`;

function defineMetadata(key: unknown, value: unknown, target: object, property?: PropertyKey): void {
  const table = tables.get(target) ?? new Map<string, unknown>();
  table.set(keyOf(key, property), value);
  tables.set(target, table);
}

const getOwnMetadata = (key: unknown, target: object, property?: PropertyKey): unknown =>
  tables.get(target)?.get(keyOf(key, property));

function getMetadata(key: unknown, target: object, property?: PropertyKey): unknown {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    if (tables.get(at)?.has(keyOf(key, property)) === true) return getOwnMetadata(key, at, property);
  }
  return undefined;
}

const metadata =
  (key: unknown, value: unknown) =>
  (target: object, property?: PropertyKey): void =>
    defineMetadata(key, value, target, property);

if (!('getMetadata' in Reflect)) Object.assign(Reflect, { defineMetadata, getOwnMetadata, getMetadata, metadata });

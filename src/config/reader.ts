import { ConcordatError } from '../errors.js';

/** Refuses a configuration value, naming it by its full path. */
export function invalid(at: string, must: string): never {
  throw new ConcordatError('ConfigInvalid', `${at} ${must}`);
}

/** Where a value stands: the object it belongs to and its path for messages, `cluster.json: replicas[2].peer`. */
export class ObjectReader {
  private constructor(
    readonly at: string,
    private readonly fields: ReadonlyMap<string, unknown>,
  ) {}

  /** Reads `value` as an object that has no other fields than `allowed`. */
  static of(value: unknown, at: string, allowed: readonly string[] | 'any'): ObjectReader {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) invalid(at, 'must be an object');
    const fields = new Map<string, unknown>(Object.entries(value));
    if (allowed !== 'any') {
      for (const name of fields.keys()) if (!allowed.includes(name)) invalid(at, `has an unknown field "${name}"`);
    }
    return new ObjectReader(at, fields);
  }

  /** `cluster.json: version` at the top, `cluster.json: replicas[0].id` below. */
  path(name: string): string {
    return this.at.includes(':') ? `${this.at}.${name}` : `${this.at}: ${name}`;
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  raw(name: string): unknown {
    return this.fields.get(name);
  }

  integer(name: string, min: number, max: number): number {
    const value = this.raw(name);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      invalid(this.path(name), `must be an integer ${min}..${max}`);
    }
    return value;
  }

  string(name: string, pattern = /^[^\p{Cc}]+$/u, must = 'must be a non-empty string'): string {
    const value = this.raw(name);
    if (typeof value !== 'string' || !pattern.test(value)) invalid(this.path(name), must);
    return value;
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    if (typeof value !== 'boolean') invalid(this.path(name), 'must be true or false');
    return value;
  }

  oneOf<const Value extends string>(name: string, values: readonly Value[]): Value {
    const found = values.find((value) => value === this.raw(name));
    if (found === undefined) invalid(this.path(name), `must be one of ${values.join(', ')}`);
    return found;
  }

  /** The items of a non-empty array of non-empty texts. */
  strings(name: string, max: number): string[] {
    return this.items(name, max).map(({ value, at }) => {
      if (typeof value !== 'string' || value === '' || /\p{Cc}/u.test(value)) invalid(at, 'must be a non-empty string');
      return value;
    });
  }

  /** The items of a non-empty array of objects. */
  objects(name: string, max: number, allowed: readonly string[] | 'any'): ObjectReader[] {
    return this.items(name, max).map(({ value, at }) => ObjectReader.of(value, at, allowed));
  }

  /** The items of a non-empty array, each with its own path. */
  items(name: string, max: number): { value: unknown; at: string }[] {
    const value = this.raw(name);
    if (!Array.isArray(value) || value.length === 0 || value.length > max) {
      invalid(this.path(name), `must be an array of 1..${max} items`);
    }
    return value.map((item: unknown, index) => ({ value: item, at: `${this.path(name)}[${index}]` }));
  }

  object(name: string, allowed: readonly string[] | 'any'): ObjectReader {
    return ObjectReader.of(this.raw(name), this.path(name), allowed);
  }

  /** All fields as a record; for tables whose names are checked elsewhere. */
  record(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(this.fields);
  }
}

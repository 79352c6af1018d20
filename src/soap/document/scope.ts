/** Namespaces by prefix ('' is the default namespace), nested: what is bound after a mark is undone by releasing it. */
export class Scope {
  private readonly bindings: Map<string, string>;
  private readonly prefixes: string[] = [];
  private readonly previous: (string | undefined)[] = [];

  /** @param xml what the prefix xml, which needs no declaration, is bound to */
  constructor(xml: string) {
    this.bindings = new Map([['xml', xml]]);
  }

  get(prefix: string): string | undefined {
    return this.bindings.get(prefix);
  }

  /** Bindings on the way down to here, hidden ones included. */
  get size(): number {
    return this.prefixes.length;
  }

  bind(prefix: string, ns: string): void {
    this.prefixes.push(prefix);
    this.previous.push(this.bindings.get(prefix));
    this.bindings.set(prefix, ns);
  }

  release(mark: number): void {
    while (this.prefixes.length > mark) {
      const prefix = this.prefixes.pop();
      const ns = this.previous.pop();
      if (prefix === undefined) return;
      if (ns === undefined) this.bindings.delete(prefix);
      else this.bindings.set(prefix, ns);
    }
  }
}

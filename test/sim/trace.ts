/** What happened in a schedule, line by line, and a hash of it: two runs with one hash were the same run. */
export class Trace {
  #hash = 0x811c9dc5;
  lines = 0;

  /** @param tell gets the lines, if anybody wants to read them */
  constructor(
    private readonly now: () => number,
    private readonly tell?: (line: string) => void,
  ) {}

  /** @param details made only when somebody reads them */
  note(who: string, what: string, details: () => string = () => ''): void {
    this.lines += 1;
    this.#mix(this.now());
    this.#mixText(who);
    this.#mixText(what);
    this.tell?.(`${(this.now() / 1000).toFixed(3).padStart(8)}  ${who.padEnd(12)}  ${what} ${details()}`.trimEnd());
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }
}

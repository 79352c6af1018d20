/** Something that must never be was seen. */
export class Violation extends Error {
  override readonly name = 'Violation';

  /** @param activity the one it was seen in, if it was seen in one */
  constructor(
    message: string,
    readonly activity?: string,
  ) {
    super(message);
  }
}

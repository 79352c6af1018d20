/** Something in the demo is not as it must be. Its message is a sentence for whoever runs it. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

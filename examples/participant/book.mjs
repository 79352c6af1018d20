// @ts-check
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * How far an order is here. It only moves forward: `asked` (written down), `enlisted` (the coordinator knows that we take part),
 * `held` (the goods are set aside), and then `delivered` or `given back`.
 * @typedef {'asked' | 'enlisted' | 'held' | 'delivered' | 'given back'} OrderState
 * @typedef {{ stock: number, orders: Record<string, { item: string, state: OrderState }> }} Content
 */

/**
 * The service's own records, in one file that is replaced as a whole, so that a crash leaves the old content or the new one. Every
 * method may be called again with the same order: what was done already is not done twice. That is all that a handler needs.
 */
export class Book {
  #file;
  /** @type {Content} */
  #content;

  /**
   * @param {string} file
   * @param {number} stock what there is, if the book is new
   */
  constructor(file, stock) {
    this.#file = file;
    this.#content = existsSync(file) ? /** @type {Content} */ (JSON.parse(readFileSync(file, 'utf8'))) : { stock, orders: {} };
  }

  /** @param {string} key @returns {OrderState | undefined} */
  state(key) {
    return this.#content.orders[key]?.state;
  }

  /** @param {string} key @param {string} item */
  ask(key, item) {
    if (this.state(key) !== undefined) return;
    this.#content.orders[key] = { item, state: 'asked' };
    this.#write();
  }

  /** @param {string} key */
  enlist(key) {
    if (this.state(key) === 'asked') this.#move(key, 'enlisted');
  }

  /** Sets one piece aside. @param {string} key @returns {boolean} whether the order has one now */
  hold(key) {
    const state = this.state(key);
    if (state === 'held') return true;
    if (state === 'delivered' || state === 'given back' || this.#content.stock === 0) return false;
    this.#content.stock -= 1;
    this.#move(key, 'held');
    return true;
  }

  /** @param {string} key */
  deliver(key) {
    if (this.state(key) === 'held') this.#move(key, 'delivered');
  }

  /** @param {string} key */
  giveBack(key) {
    const state = this.state(key);
    if (state === 'delivered' || state === 'given back') return;
    if (state === 'held') this.#content.stock += 1;
    this.#move(key, 'given back');
  }

  /** @param {string} key @param {OrderState} state */
  #move(key, state) {
    const order = this.#content.orders[key];
    if (order === undefined) throw new Error(`there is no order ${key}`);
    order.state = state;
    this.#write();
  }

  /** On disk when it returns: the new file first, then its name. */
  #write() {
    const next = `${this.#file}.new`;
    const file = openSync(next, 'w');
    writeSync(file, JSON.stringify(this.#content));
    fsyncSync(file);
    closeSync(file);
    renameSync(next, this.#file);
    const folder = openSync(dirname(this.#file), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
}

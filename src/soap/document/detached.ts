/** Below this length the engine copies a part of a string; from it on, the part keeps the whole string in memory. */
const SHARED_FROM = 13;

/** The same text, in memory of its own: a message id that is kept must not keep the message it was cut from. */
export const detached = (text: string): string => (text.length < SHARED_FROM ? text : ` ${text}`.slice(1));

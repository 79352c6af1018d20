import { InvalidArgumentError } from 'commander';

/** Reads a whole number from `min` to `max` from the command line. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

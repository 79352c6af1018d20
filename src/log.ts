import { pino } from 'pino';
import type { DestinationStream } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Record<string, unknown>;

/** What every part of Concordat logs through; a pino logger fits, and so does a test's array of lines. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Whether lines of a level are kept, to spare the work of making those that are not. */
  isLevelEnabled?(level: string): boolean;
}

/** Where lines go: anything with `write`, one complete JSON line a call. */
export type LogDestination = DestinationStream;

/**
 * A logger that writes one JSON line an event, with `name`, `level` (as a word) and `time` (ISO, UTC).
 * @param destination defaults to standard output, unbuffered, so that the last line before a crash is there.
 */
export function createLogger(name: string, level: LogLevel = 'info', destination?: LogDestination): Logger {
  return pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

const nothing = (): void => undefined;

/** A logger that drops everything. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

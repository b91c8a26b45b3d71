import { type EventEmitter, once } from 'node:events';
import pino, { type LoggerOptions, type Logger as PinoLogger } from 'pino';

/**
 * Structured logs, one JSON object per line on stdout. They tell what happened to which request of which tenant, and
 * never a value of a record: bodies, query strings and headers are not logged at any level.
 */

export type Logger = PinoLogger;

/** Injection token of the logger. */
export const LOGGER = Symbol('logger');

export function createLogger(level: string): Logger {
  const options: LoggerOptions = {
    level,
    base: { service: 'business-store' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
  };
  // Asynchronous: a slow reader of the log holds up no request. Lines are written 4 KB at a time, after a tenth of a second at the
  // latest and when the process exits: a write for each cost 40 µs of CPU a request, a tenth of it.
  return pino(options, pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 100 }));
}

interface LogStream extends EventEmitter {
  write(text: string): boolean;
  flush(): void;
}

/**
 * Writes lines to where the log goes, in turn with its own: neither ever cuts the other in two. Resolves when they are written, and
 * rejects on the signal, when they may still come.
 */
export async function writeBesideLog(logger: Logger, lines: string, signal: AbortSignal): Promise<void> {
  const stream = (logger as unknown as Record<symbol, LogStream>)[pino.symbols.streamSym] as LogStream;
  stream.write(lines);
  // It says that it is drained when less than its least write is left, which may be these lines: once more, and they are out.
  for (let n = 0; n < 2; n++) {
    const drained = once(stream, 'drain', { signal });
    stream.flush();
    await drained;
  }
}

/** The stack without the message it begins with, which may itself look like frames. */
function framesOf({ message, stack = '' }: Error): string {
  const start = stack.indexOf(message);
  return start < 0 ? '' : stack.slice(start + message.length).trimStart();
}

/** What begins so quotes a value that could not be used, as `JSON.parse` quotes its text. */
const QUOTING = /^Cannot (?:create property|use 'in' operator|convert)\b/;

/** The message of an error, but where it may hold a value of a record. */
export function saidOf(error: Error): string {
  if (isOfDatabase(error)) return 'a database error; see code';
  if (error instanceof SyntaxError) return 'a text could not be read';
  return QUOTING.test(error.message) ? 'a value could not be used' : error.message;
}

function isOfDatabase(error: Error): boolean {
  return 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code));
}

/** Postgres' `detail`, `where` and bound values hold values of records; a stack and a code are what one needs. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: 'a value that is not an Error was thrown' };
  const { name, stack } = error;
  const code = 'code' in error ? String(error.code) : undefined;
  const message = saidOf(error);
  return {
    name,
    code,
    message,
    stack: message === error.message ? stack : framesOf(error),
    cause: error.cause === undefined ? undefined : describeError(error.cause),
  };
}

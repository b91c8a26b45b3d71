import type { LoggerService } from '@nestjs/common';
import type { Logger } from '../platform/log.js';

/** Nest's own messages, in our log; its start-up chatter at debug. */
export function nestLogger(logger: Logger): LoggerService {
  const text = (message: unknown): string => (message instanceof Error ? message.message : String(message));
  return {
    log: (message) => logger.debug({ from: 'nest' }, text(message)),
    debug: (message) => logger.debug({ from: 'nest' }, text(message)),
    verbose: (message) => logger.trace({ from: 'nest' }, text(message)),
    warn: (message) => logger.warn({ from: 'nest' }, text(message)),
    error: (message, stack) => logger.error({ from: 'nest', stack }, text(message)),
    fatal: (message) => logger.fatal({ from: 'nest' }, text(message)),
  };
}

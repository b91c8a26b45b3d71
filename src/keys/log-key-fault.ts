import type { Logger } from '../platform/log.js';
import type { KeyFault } from './key-provider.js';

/**
 * What went wrong with a tenant's keys, for the operator. A provider that is away comes back, and a key that was destroyed is a decision;
 * one that refuses us, or hands over another key than was wrapped, is an alarm: nothing gets better by itself.
 */
export function logKeyFault(logger: Logger, fault: KeyFault, tenantId: string): void {
  const { kind } = fault;
  const said = { err: fault, tenantId, kind };
  if (kind === 'denied' || kind === 'integrity') logger.error({ ...said, alarm: `key-${kind}` }, ALARM[kind]);
  else logger.warn(said, 'keys of a tenant could not be opened');
}

const ALARM = {
  denied: 'ALARM: the key provider does not let us use the keys of a tenant',
  integrity: 'ALARM: what the key provider holds for a tenant is not what was put there',
} as const;

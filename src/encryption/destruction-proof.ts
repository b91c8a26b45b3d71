import { randomBytes } from 'node:crypto';
import { openDataKey } from '../keys/data-keys.js';
import { KeyFault, type KeyProvider } from '../keys/key-provider.js';
import type { KeyOwner, TenantKeys } from '../keys/tenant-keys.js';
import type { DestructionAttempt } from '../model/audit/destruction-receipt.js';
import { Problem } from '../platform/problem.js';
import type { DataKeysRow, WrappingKey } from './keys-sql.js';

/** What whoever has copies would try once keys are destroyed, tried by ourselves: a receipt that says so has found it out. */

/** As for any request. */
export async function tryToOpen(keys: TenantKeys, owner: KeyOwner): Promise<DestructionAttempt> {
  const outcome = await keys.open(owner).then(
    () => 'done' as const,
    (error: unknown) => (error instanceof Problem && error.code === 'key/destroyed' ? 'destroyed' : 'unavailable'),
  );
  return { what: 'open', outcome };
}

/**
 * Of the provider: unwraps copies that were kept for this, and wraps another key.
 * @param copies data keys as they were before; none where the process that had them has ended
 */
export async function tryProvider(
  provider: KeyProvider,
  { provider: name, keyRef }: WrappingKey,
  tenantId: string,
  copies: readonly DataKeysRow[],
): Promise<DestructionAttempt[]> {
  const attempts: DestructionAttempt[] = [];
  for (const { purpose, version, wrapped, commitment } of copies) {
    if (!wrapped) continue;
    const unwrapped = openDataKey(provider, keyRef, { tenantId, purpose, version }, { wrapped, commitment });
    attempts.push({ ...{ what: 'unwrap', provider: name, keyRef, purpose, version }, outcome: await outcomeOf(unwrapped) });
  }
  const another = provider.wrap(keyRef, { tenantId, purpose: 'encrypt', version: 1 }, randomBytes(32));
  attempts.push({ what: 'wrap', provider: name, keyRef, outcome: await outcomeOf(another) });
  return attempts;
}

async function outcomeOf(attempt: Promise<unknown>): Promise<DestructionAttempt['outcome']> {
  try {
    await attempt;
    return 'done';
  } catch (error) {
    if (error instanceof KeyFault) return error.kind;
    throw error;
  }
}

import { isSigned, saidBy, signStatement } from './signed-statement.js';
import type { PublicKey, SigningKey } from './signing-key.js';

/**
 * What remains of a tenant's encryption keys when they are destroyed: which they were, what became of each, and what was tried
 * afterwards. Signed by the key that signs checkpoints, so that whoever has its public half can tell a receipt from a story.
 */

export interface DestructionReceipt {
  /** The tenant's id. */
  readonly tenant: string;
  /** When the service destroyed all that it had of the keys; RFC 3339, UTC. */
  readonly at: string;
  /** Whether every key that has wrapped the data keys is gone for good. If not, copies of wrapped keys, as in backups, can be opened. */
  readonly destroyed: boolean;
  /** The keys that wrapped, of the provider. */
  readonly providerKeys: readonly DestroyedProviderKey[];
  /** Of each data key that there was, what tells it from any other: SHA-256 over its context and the key, hex. */
  readonly dataKeys: readonly { readonly purpose: string; readonly version: number; readonly commitment: string }[];
  /** How many keys of those whom records are about went with them. */
  readonly subjectKeys: number;
  readonly proof: readonly DestructionAttempt[];
}

export interface DestroyedProviderKey {
  readonly provider: string;
  readonly keyRef: string;
  readonly destroyed: boolean;
  readonly detail: string;
}

/** What was tried with the keys once they were destroyed. */
export interface DestructionAttempt {
  /** `open`: by the service, as for any request; `unwrap`: a copy that was kept for this; `wrap`: another key. */
  readonly what: 'open' | 'unwrap' | 'wrap';
  readonly provider?: string;
  readonly keyRef?: string;
  readonly purpose?: string;
  readonly version?: number;
  /** `done`: it was not refused, and the key is still there. */
  readonly outcome: 'destroyed' | 'denied' | 'integrity' | 'unavailable' | 'done';
}

const TYPE = 'bss-key-destruction+jws';

export function signReceipt(receipt: DestructionReceipt, key: SigningKey): string {
  return signStatement(TYPE, receipt, key);
}

/** What it says, if one of the keys has signed it; else null. */
export function verifiedReceipt(jws: string, keys: readonly PublicKey[]): DestructionReceipt | null {
  return isSigned(TYPE, jws, keys) ? (saidBy(jws) as DestructionReceipt) : null;
}

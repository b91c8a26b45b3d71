import { isSigned, saidBy, signStatement } from './signed-statement.js';
import type { PublicKey, SigningKey } from './signing-key.js';

/**
 * What remains of the key of somebody whom records were about, once it is destroyed. It does not say who that was: only whoever asked for it
 * knows. Signed as the receipt of a tenant's keys is.
 */
export interface SubjectReceipt {
  /** The tenant's id. */
  readonly tenant: string;
  /** A UUID, which stands in every value that was encrypted with it. */
  readonly keyId: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

const TYPE = 'bss-subject-key-destruction+jws';

export function signSubjectReceipt(receipt: SubjectReceipt, key: SigningKey): string {
  return signStatement(TYPE, receipt, key);
}

/** What it says, if one of the keys has signed it; else null. */
export function verifiedSubjectReceipt(jws: string, keys: readonly PublicKey[]): SubjectReceipt | null {
  return isSigned(TYPE, jws, keys) ? (saidBy(jws) as SubjectReceipt) : null;
}

import { hash } from 'node:crypto';
import { isSigned, saidBy, signStatement } from './signed-statement.js';
import type { PublicKey, SigningKey } from './signing-key.js';

/**
 * A checkpoint says what all trails were at one moment: the root of the tree over their heads, signed, as a JWS. Each names the one
 * before by its hash, so that the last one vouches for all.
 */

export interface Checkpoint {
  /** From 1, without gaps. */
  readonly number: number;
  /** RFC 3339. */
  readonly time: string;
  /** Leaves of the tree. */
  readonly size: number;
  /** Hex. */
  readonly root: string;
  /** SHA-256 of the JWS of the checkpoint before, hex; null for the first. */
  readonly previous: string | null;
}

const TYPE = 'bss-checkpoint+jws';

export function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): string {
  return signStatement(TYPE, checkpoint, key);
}

/** What it says, if one of the keys has signed it; else null, whatever else is wrong with it. */
export function verifiedCheckpoint(jws: string, keys: readonly PublicKey[]): Checkpoint | null {
  return isSigned(TYPE, jws, keys) ? claimedCheckpoint(jws) : null;
}

/** What it says, whoever has signed it; null when it says nothing of the kind. */
export function claimedCheckpoint(jws: string): Checkpoint | null {
  const said = saidBy(jws) as Partial<Checkpoint> | null;
  const { number, time, size, root, previous } = said ?? {};
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(size) || typeof time !== 'string') return null;
  if (typeof root !== 'string' || (typeof previous !== 'string' && previous !== null)) return null;
  return said as Checkpoint;
}

/** What the next one calls it by. */
export function checkpointDigest(jws: string): string {
  return hash('sha256', jws, 'hex');
}

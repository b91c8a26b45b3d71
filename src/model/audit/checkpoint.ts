import { hash, sign, verify } from 'node:crypto';
import type { PublicKey, SigningKey } from './signing-key.js';

/**
 * A checkpoint says what all trails were at one moment: the root of the tree over their heads, signed, as a JWS in its compact
 * form (RFC 7515, EdDSA by RFC 8037). Each names the one before by its hash, so that the last one vouches for all.
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

export function signCheckpoint(checkpoint: Checkpoint, { kid, secret }: SigningKey): string {
  const signed = `${encoded({ alg: 'EdDSA', kid, typ: TYPE })}.${encoded(checkpoint)}`;
  return `${signed}.${sign(null, Buffer.from(signed), secret).toString('base64url')}`;
}

/** What it says, if one of the keys has signed it; else null, whatever else is wrong with it. */
export function verifiedCheckpoint(jws: string, keys: readonly PublicKey[]): Checkpoint | null {
  const parts = jws.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3) return null;
  const told = decoded(header) as { alg?: unknown; kid?: unknown; typ?: unknown } | null;
  if (told?.alg !== 'EdDSA' || told.typ !== TYPE) return null;
  const known = keys.find(({ kid }) => kid === told.kid);
  if (!known || !verify(null, Buffer.from(`${header}.${payload}`), known.key, Buffer.from(signature, 'base64url'))) return null;
  return claimedCheckpoint(jws);
}

/** What it says, whoever has signed it; null when it says nothing of the kind. */
export function claimedCheckpoint(jws: string): Checkpoint | null {
  const said = decoded(jws.split('.')[1] ?? '') as Partial<Checkpoint> | null;
  const { number, time, size, root, previous } = said ?? {};
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(size) || typeof time !== 'string') return null;
  if (typeof root !== 'string' || (typeof previous !== 'string' && previous !== null)) return null;
  return said as Checkpoint;
}

/** What the next one calls it by. */
export function checkpointDigest(jws: string): string {
  return hash('sha256', jws, 'hex');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decoded(part: string): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { canonicalJson } from '../../platform/canonical-json.js';
import { isJsonObject, type JsonValue } from '../../platform/json-value.js';

/**
 * A salted commitment to a value, which stands in its place in the audit trail: whoever has salt and value can show that they were
 * meant, and without the salt nobody can try values against it. When salt and value are erased, the trail's hashes still hold.
 *
 * SHA-256 over the ASCII bytes of `bss:commitment:1`, the 16 bytes of the salt, and the value's canonical JSON (RFC 8785) in UTF-8.
 */

const DOMAIN = 'bss:commitment:1';
const SALT_BYTES = 16;
const PREFIX = 'sha256:';

export interface Commitment {
  /** `sha256:` and 64 hex digits. */
  readonly commitment: string;
}

/** What opens it: the salt in base64url, and the value. */
export type Opening = readonly [salt: string, value: JsonValue];

export function newSalt(): Buffer {
  return randomBytes(SALT_BYTES);
}

export function commitmentTo(salt: Buffer, value: JsonValue): Commitment {
  const digest = createHash('sha256').update(DOMAIN).update(salt).update(canonicalJson(value)).digest('hex');
  return { commitment: PREFIX + digest };
}

export function isCommitment(value: JsonValue | undefined): value is JsonValue & Commitment {
  return isJsonObject(value) && Object.keys(value).length === 1 && /^sha256:[0-9a-f]{64}$/.test(String(value.commitment));
}

export function opens({ commitment }: Commitment, [salt, value]: Opening): boolean {
  return commitmentTo(Buffer.from(salt, 'base64url'), value).commitment === commitment;
}

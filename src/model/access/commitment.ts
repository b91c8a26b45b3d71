import { createHash } from 'node:crypto';
import { canonicalJson } from '../../platform/canonical-json.js';
import { isJsonObject, type JsonValue } from '../../platform/json-value.js';
import { randomFew } from '../../platform/random-bytes.js';

/**
 * A salted commitment to a value, which stands in its place in the audit trail: whoever has salt and value can show that they were
 * meant, and without the salt nobody can try values against it. When salt and value are erased, the trail's hashes still hold. Of what is
 * encrypted they are never kept.
 *
 * SHA-256 over the ASCII bytes of `bss:commitment:1`, the 16 bytes of the salt, and the value's canonical JSON (RFC 8785) in UTF-8.
 */

const DOMAIN = 'bss:commitment:1';
const SALT_BYTES = 16;
const PREFIX = 'sha256:';

export interface Commitment {
  /** `sha256:` and 64 hex digits. */
  readonly commitment: string;
  /** Its salt was thrown away when it was made: nobody was ever to open it. */
  readonly sealed?: true;
}

/** What opens it: the salt in base64url, and the value. */
export type Opening = readonly [salt: string, value: JsonValue];

export function newSalt(): Buffer {
  return randomFew(SALT_BYTES);
}

export function commitmentTo(salt: Buffer, value: JsonValue): Commitment {
  const digest = createHash('sha256').update(DOMAIN).update(salt).update(canonicalJson(value)).digest('hex');
  return { commitment: PREFIX + digest };
}

export function isCommitment(value: JsonValue | undefined): value is JsonValue & Commitment {
  if (!isJsonObject(value) || !/^sha256:[0-9a-f]{64}$/.test(String(value.commitment))) return false;
  return Object.keys(value).length === (value.sealed === true ? 2 : 1);
}

export function opens({ commitment }: Commitment, [salt, value]: Opening): boolean {
  return commitmentTo(Buffer.from(salt, 'base64url'), value).commitment === commitment;
}

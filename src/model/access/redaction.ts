import { createHmac, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../../platform/canonical-json.js';
import type { JsonValue } from '../../platform/json-value.js';

/** What stands in the place of values that a caller may know of and not read. Nothing of it leads back to the value. */

/** The word `redact`. */
export type Redaction = 'full' | 'partial' | 'hash' | 'remove';

/** How the values of a property are shown. What is removed is hidden instead. */
export type Redacted =
  | { readonly as: 'full' }
  /** @param of the class that `pii` names */
  | { readonly as: 'partial'; readonly of?: string | true }
  /** @param key of the tenant: equal values are equal hashes in one tenant only */
  | { readonly as: 'hash'; readonly key: KeyObject };

const FULL = '[redacted]';

/** Hex digits of a hash: 128 bits. */
const HASH_DIGITS = 32;

/** Phone numbers with fewer digits would be told by their last two and their length. */
const FEWEST_DIGITS = 6;

/** null stays null: that there is nothing to keep back. */
export function redactedJson(redacted: Redacted, value: JsonValue): JsonValue {
  if (value === null) return null;
  switch (redacted.as) {
    case 'full':
      return FULL;
    case 'partial':
      return typeof value === 'string' || typeof value === 'number' ? partOf(String(value), redacted.of) : FULL;
    case 'hash':
      return `hmac-sha256:${createHmac('sha256', redacted.key).update(canonicalJson(value)).digest('hex').slice(0, HASH_DIGITS)}`;
  }
}

/** Of two ways the one that tells less; of the same kind the first. */
export function stricter(a: Redacted, b: Redacted): Redacted {
  return a.as === b.as ? a : { as: 'full' };
}

function partOf(text: string, of: string | true | undefined): string {
  if (of === 'email') {
    const at = text.lastIndexOf('@');
    if (at > 0) return `${beginningOf(text.slice(0, at))}${text.slice(at)}`;
  }
  if (of === 'phone') {
    const digits = text.replace(/\D/g, '');
    return digits.length < FEWEST_DIGITS ? '***' : `***${digits.slice(-2)}`;
  }
  return beginningOf(text);
}

/** One character alone would be all there is. */
function beginningOf(text: string): string {
  const [first = '', second] = text;
  return second === undefined ? '***' : `${first}***`;
}

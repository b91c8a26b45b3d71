import { TAG_BYTES, TAGS_AT } from './cell.js';
import type { Slot } from './field-cipher.js';
import { slotOf, type WrittenVersions } from './keyring.js';

const SLOTS: readonly Slot[] = [0, 1];
const TAGGED = "'\\x02'::bytea, '\\x04'::bytea";
const NOTHING = `'\\x${'00'.repeat(TAG_BYTES)}'::bytea`;

/**
 * Whether a cell is not as it would be written now: under another version of the data key, without a tag in a slot that is written, or with
 * one in a slot that is not. NULL for NULL.
 * @param cell an expression of bytes, safe beside operators
 */
export function staleCellSql(cell: string, { encryptVersion, indexVersion, indexNext }: WrittenVersions): string {
  const written = [indexVersion, ...(indexNext === null ? [] : [indexNext])].map(slotOf);
  const slots = SLOTS.map((slot) => {
    const tag = `substring(${cell}, ${TAGS_AT + slot * TAG_BYTES + 1}, ${TAG_BYTES})`;
    return `${tag} ${written.includes(slot) ? '=' : '<>'} ${NOTHING}`;
  });
  return `(${otherVersionSql(cell, encryptVersion)} or substring(${cell}, 1, 1) in (${TAGGED}) and (${slots.join(' or ')}))`;
}

/** Of what is sealed as a whole text and has no tags. */
export function otherVersionSql(cell: string, encryptVersion: number): string {
  return `substring(${cell}, 3, 4) <> '\\x${encryptVersion.toString(16).padStart(8, '0')}'::bytea`;
}

import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import type { Entity, Shadow } from '../entity.js';
import { columnText } from '../values/values.js';
import { aboutOf } from './about.js';

/** What a write stores beside a record while one of its properties is about to be encrypted, decrypted, or found otherwise. */

/** The database cannot tell its values from those of the property. */
export function isFilledByService({ revision }: Shadow): boolean {
  return revision !== undefined;
}

/**
 * Of each shadow that only the service can fill, in order; null is SQL NULL.
 * @param record as it is about to be stored
 * @throws KeysNeeded
 */
export function shadowTexts({ shadows, properties }: Entity, id: string, record: JsonObject): (string | null)[] {
  if (!shadows) return [];
  return shadows.filter(isFilledByService).map((shadow) => {
    const value = Object.hasOwn(record, shadow.property) ? (record[shadow.property] as JsonValue) : null;
    const about = aboutOf({ properties, ...(shadow.subject !== undefined && { subject: shadow.subject }) }, record);
    return value === null ? null : shadowText(shadow, id, value, about);
  });
}

/** @param value not null. @throws KeysNeeded */
export function shadowText(shadow: SealedKind, id: string, value: JsonValue, about: string | null): string {
  const { encrypted } = shadow;
  if (!encrypted) return columnText(shadow, value);
  // Never in plain text, whatever was forgotten.
  if (!encrypted.cipher) throw new Error('a column of encrypted values without its keys');
  return encrypted.cipher.seal(id, value, about);
}

type SealedKind = Pick<Shadow, 'type' | 'encrypted'>;

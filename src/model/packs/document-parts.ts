import { isJsonObject, type JsonObject, type JsonValue } from '../../platform/json-value.js';
import { member } from '../change/member.js';

/** The members of an entity document that a tenant can add to, for an entity of a pack. */
export const OPEN_LISTS = ['required', 'uniqueKeys', 'indexes'] as const;
export const OPEN_WORDS: readonly string[] = ['properties', ...OPEN_LISTS];

/** The schemas under `properties`; empty without it, or when it is something else. */
export function propertiesOf(document: JsonObject): JsonObject {
  const properties = member(document, 'properties');
  return isJsonObject(properties) ? properties : {};
}

/** The entries of a list at the root; empty without it, or when it is something else. */
export function listOf(document: JsonObject, word: string): readonly JsonValue[] {
  const list = member(document, word);
  return Array.isArray(list) ? list : [];
}

import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { type Entity, valueTypeOf } from '../entity.js';
import { shownJson } from './plain-value.js';

/**
 * Whom a record is about, as it says so when it is read: one person has one key, however the value was spelt when it was sent. null: its
 * entity names nobody.
 */
export function aboutOf({ subject, properties }: Pick<Entity, 'subject' | 'properties'>, record: JsonObject): string | null {
  const property = properties.find(({ name }) => name === subject);
  if (!property) return null;
  return String(JSON.parse(shownJson(valueTypeOf(property), property, record[property.name] as JsonValue)));
}

/**
 * Where schemas stand inside a schema (JSON Schema 2020-12), as opposed to data that merely looks like one, such as the
 * value of `const`. Everything that walks an entity document goes by this.
 */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';

/** What the value of a keyword is: one schema, a list or a map of schemas, or data. */
export type Place = 'schema' | 'list' | 'map' | 'data';

const PLACES: ReadonlyMap<string, Place> = new Map<string, Place>([
  ...words('schema', 'items additionalProperties propertyNames contains not if then else'),
  ...words('schema', 'unevaluatedItems unevaluatedProperties contentSchema'),
  ...words('list', 'allOf anyOf oneOf prefixItems'),
  ...words('map', 'properties patternProperties dependentSchemas $defs'),
]);

/** Keywords whose schemas apply to the very value their own schema applies to, not to a part of it. */
const IN_PLACE: ReadonlySet<string> = new Set('allOf anyOf oneOf not if then else dependentSchemas'.split(' '));

function words(place: Place, list: string): [string, Place][] {
  return list.split(' ').map((word) => [word, place]);
}

export function placeOf(keyword: string): Place {
  return PLACES.get(keyword) ?? 'data';
}

/** A schema and its RFC 6901 pointer in the document. */
export interface PlacedSchema {
  readonly at: string;
  readonly schema: JsonObject | boolean;
  /** The keyword of the parent that holds it; empty for the root. */
  readonly keyword: string;
}

/** The schemas directly inside one, in document order. */
export function childSchemas(schema: JsonObject | boolean, at: string): PlacedSchema[] {
  if (!isJsonObject(schema)) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const here = pointer(at, keyword);
    const place = placeOf(keyword);
    if (place === 'schema') return placed(keyword, here, value);
    if (place === 'data' || value === null || typeof value !== 'object') return [];
    return Object.entries(value).flatMap(([key, child]) => placed(keyword, pointer(here, key), child));
  });
}

export function appliesInPlace(child: PlacedSchema): boolean {
  return IN_PLACE.has(child.keyword);
}

/** Every schema of a document, the root first. A loop, not a recursion: documents are hostile. */
export function allSchemas(root: JsonObject): PlacedSchema[] {
  const found: PlacedSchema[] = [{ at: '', schema: root, keyword: '' }];
  for (let index = 0; index < found.length; index++) {
    const { schema, at } = found[index]!;
    for (const child of childSchemas(schema, at)) found.push(child);
  }
  return found;
}

function placed(keyword: string, at: string, schema: JsonValue): PlacedSchema[] {
  return typeof schema === 'boolean' || isJsonObject(schema) ? [{ at, schema, keyword }] : [];
}

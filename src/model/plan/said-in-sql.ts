import { isJsonObject, type JsonObject, type JsonValue } from '../../platform/json-value.js';
import { isAnnotation } from '../change/annotations.js';
import { member } from '../change/member.js';
import type { Check, ColumnType, Entity, Property } from '../entity.js';
import { RANGE_TYPES } from '../values/range.js';

/**
 * Whether the column of a property and its checks refuse whatever its schema does: then SQL alone can tell which rows are valid
 * under it. False when in doubt.
 */
export function isSaidInSql(entity: Entity, property: Property): boolean {
  // Of cells, SQL says nothing.
  if (property.encrypted) return false;
  const schema = member(member(entity.document, 'properties'), property.name);
  if (!isJsonObject(schema)) return schema === true;
  return Object.keys(schema).every((keyword) => restrictsNothing(keyword) || says(property, schema, keyword));
}

/** Words for the store and for readers, which restrict no value. */
export function restrictsNothing(keyword: string): boolean {
  return isAnnotation(keyword) || STORE_WORDS.has(keyword);
}

const STORE_WORDS: ReadonlySet<string> = new Set([
  ...['default', 'unique', 'index', 'relation', 'immutable', 'generated', 'readOnly', 'writeOnly'],
  ...['renamedFrom', 'aliasUntil', 'encrypted', 'searchable', 'semantic', 'pii', 'redact', 'access'],
]);

/** Those that a column holds all values of, and no others; an inet takes addresses of both versions. */
const FORMATS: Partial<Record<ColumnType, string>> = {
  uuid: 'uuid',
  date: 'date',
  timestamptz: 'date-time',
  timestamp: 'date-time-local',
  time: 'time',
  bytea: 'byte',
  numeric: 'decimal',
  ...Object.fromEntries(RANGE_TYPES.map((type) => [type, type])),
};

function says(property: Property, schema: JsonObject, keyword: string): boolean {
  const { type, precision, scale, checks } = property;
  switch (keyword) {
    case 'type':
      return type !== 'jsonb';
    case 'format':
      return schema.format === FORMATS[type];
    case 'precision':
    case 'scale':
      return type === 'numeric' && precision !== undefined && scale !== undefined;
    default:
      return checks.some(({ kind }) => kind === checkOf(keyword));
  }
}

/** The kind of check that a keyword becomes where SQL can say it. */
export function checkOf(keyword: string): Check['kind'] {
  return keyword === 'enum' || keyword === 'const' ? 'oneOf' : (keyword as Check['kind']);
}

/** The schema of a property allows other types than before, null aside. */
export function allowsOtherTypes(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  const [was, is] = [before, after].map((schema) => typesOf(schema).sort().join());
  return was !== is;
}

function typesOf(schema: JsonValue | undefined): string[] {
  const type = member(schema, 'type') ?? [];
  return (Array.isArray(type) ? type : [type]).map(String).filter((name) => name !== 'null');
}

/**
 * From the schema of a property to its column: the one type that stores every valid value and gives it back, or jsonb when
 * there is none; whether null is valid; and the checks that SQL can say exactly as ajv does.
 */

import { isJsonObject, type JsonObject, type JsonValue } from '../../platform/json-value.js';
import type { Check, ColumnType } from '../entity.js';
import { RANGE_TYPES } from '../values/range.js';
import type { References } from './references.js';

/**
 * The schema and whatever its `$ref`s lead to, nearest first. A value has to satisfy all of them. Of `true` and `false`
 * nothing is left to read.
 */
export function conjuncts(schema: JsonValue | undefined, references: References): JsonObject[] {
  const found: JsonObject[] = [];
  for (let next = schema; isJsonObject(next); ) {
    found.push(next);
    const { $ref }: JsonObject = next;
    next = typeof $ref === 'string' ? references.target($ref)?.schema : undefined;
  }
  return found;
}

/** Formats of strings that have a type of their own in Postgres. */
const STRING_FORMATS: ReadonlyMap<JsonValue | undefined, ColumnType> = new Map<JsonValue | undefined, ColumnType>([
  ['uuid', 'uuid'],
  ['date', 'date'],
  ['date-time', 'timestamptz'],
  ['date-time-local', 'timestamp'], // RFC 3339 without an offset, as in the OpenAPI Format Registry
  ['time', 'time'],
  ['ipv4', 'inet'],
  ['ipv6', 'inet'],
  ['byte', 'bytea'],
  ['decimal', 'numeric'],
  ...RANGE_TYPES.map((type) => [type, type] as const),
]);

export function columnTypeOf(schemas: readonly JsonObject[]): ColumnType {
  const types = typesOf(schemas)?.filter((type) => type !== 'null');
  if (types?.length !== 1) return 'jsonb';
  switch (types[0]) {
    case 'string':
      return stringColumn(schemas);
    case 'integer':
      return 'bigint';
    case 'number':
      return 'double precision';
    case 'boolean':
      return 'boolean';
    default:
      return 'jsonb';
  }
}

/** The types a value may have by the keyword `type`; undefined when it may have any. */
export function typesOf(schemas: readonly JsonObject[]): readonly string[] | undefined {
  let types: readonly string[] | undefined;
  for (const { type } of schemas) {
    if (type === undefined) continue;
    const own = (Array.isArray(type) ? type : [type]) as readonly string[];
    types = types === undefined ? own : bothTypes(types, own);
  }
  return types;
}

/** An integer is a number too. */
function bothTypes(left: readonly string[], right: readonly string[]): readonly string[] {
  const covers = (types: readonly string[], type: string) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  const both = [...left.filter((type) => covers(right, type)), ...right.filter((type) => covers(left, type))];
  return [...new Set(both)];
}

/** Two different formats hold together only by accident: text stores whatever does. */
function stringColumn(schemas: readonly JsonObject[]): ColumnType {
  const formats = new Set(schemas.map(({ format }) => format).filter((format) => format !== undefined));
  const base64 = schemas.some(({ contentEncoding }) => contentEncoding === 'base64');
  if (formats.size === 0 && base64) return 'bytea';
  const [format] = formats;
  return (formats.size === 1 ? STRING_FORMATS.get(format) : undefined) ?? 'text';
}

/** False only when `type`, `enum` or `const` rule null out; a column that could hold NULL for nothing does no harm. */
export function admitsNull(schemas: readonly JsonObject[]): boolean {
  if (typesOf(schemas)?.includes('null') === false) return false;
  return schemas.every((schema) => choicesOf(schema)?.includes(null) !== false);
}

/** The values of `enum` and `const`, undefined when the schema has neither. */
export function choicesOf(schema: JsonObject): readonly JsonValue[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema.const!];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

/** At most one check of each kind: of several bounds the strictest, of several lists what they share. */
export function checksOf(schemas: readonly JsonObject[], type: ColumnType): readonly Check[] {
  return [...lengthChecks(schemas, type), ...boundChecks(schemas, type), ...choiceChecks(schemas, type)];
}

/** Both count code points. */
function lengthChecks(schemas: readonly JsonObject[], type: ColumnType): Check[] {
  if (type !== 'text') return [];
  const checks: Check[] = [];
  const [shortest, longest] = [numbersOf(schemas, 'minLength'), numbersOf(schemas, 'maxLength')];
  if (shortest.length > 0) checks.push({ kind: 'minLength', length: Math.max(...shortest) });
  if (longest.length > 0) checks.push({ kind: 'maxLength', length: Math.min(...longest) });
  return checks;
}

function boundChecks(schemas: readonly JsonObject[], type: ColumnType): Check[] {
  if (type !== 'bigint' && type !== 'double precision') return [];
  const lower = (['minimum', 'exclusiveMinimum'] as const).map((kind) => ({
    kind,
    bounds: numbersOf(schemas, kind),
    pick: Math.max,
  }));
  const upper = (['maximum', 'exclusiveMaximum'] as const).map((kind) => ({
    kind,
    bounds: numbersOf(schemas, kind),
    pick: Math.min,
  }));
  return [...lower, ...upper]
    .filter(({ bounds }) => bounds.length > 0)
    .map(({ kind, bounds, pick }) => ({ kind, bound: pick(...bounds) }));
}

/** The values of a numeric keyword, where the schemas have it. */
export function numbersOf(schemas: readonly JsonObject[], keyword: string): number[] {
  return schemas.map((schema) => schema[keyword]).filter((value) => typeof value === 'number');
}

function choiceChecks(schemas: readonly JsonObject[], type: ColumnType): Check[] {
  const lists = schemas.flatMap((schema) => [
    ...(Array.isArray(schema.enum) ? [schema.enum as readonly JsonValue[]] : []),
    ...(Object.hasOwn(schema, 'const') ? [[schema.const!]] : []),
  ]);
  const texts = lists.map((values) => choiceTexts(values, type));
  if (texts.length === 0 || texts.includes(undefined)) return [];
  const [first, ...others] = texts as string[][];
  const values = [...new Set(first)].filter((value) => others.every((list) => list.includes(value)));
  return [{ kind: 'oneOf', values }];
}

/**
 * Those values that a column of the type can hold, as text; the others can never be stored. Undefined when a text can
 * differ from its stored form, as for instants or upper-case uuids: ajv compares texts, SQL would compare meanings.
 */
function choiceTexts(values: readonly JsonValue[], type: ColumnType): string[] | undefined {
  switch (type) {
    case 'text':
      return values.filter((value) => typeof value === 'string');
    case 'bigint':
      return values.filter((value) => Number.isSafeInteger(value)).map(String);
    case 'double precision':
      return values.filter((value) => typeof value === 'number').map(String);
    case 'boolean':
      return values.filter((value) => typeof value === 'boolean').map(String);
    case 'uuid': {
      const texts = values.filter((value) => typeof value === 'string');
      return texts.every((text) => CANONICAL_UUID.test(text)) ? texts : undefined;
    }
    default:
      return undefined;
  }
}

/** RFC 9562 §4: output is lower case. */
const CANONICAL_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

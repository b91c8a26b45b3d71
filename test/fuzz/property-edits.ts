import { readEntity } from '../../src/model/document/read-entity.js';
import { compileValidator } from '../../src/model/validation/validator.js';
import { RANGE_TYPES } from '../../src/model/values/range.js';
import type { JsonObject, JsonValue } from '../../src/platform/json-value.js';
import { validValues } from './record-choices.js';

/** Edits of the schema of one property, as data. */

export const PROPERTY_EDITS = [
  ...(['change-kind', 'change-kind', 'change-kind', 'nullable', 'nullable', 'default', 'unique', 'index'] as const),
  ...(['relation', 'on-delete', 'rule', 'rule', 'words'] as const),
] as const;

interface PropertyEdit {
  readonly what: (typeof PROPERTY_EDITS)[number];
  readonly which: number;
  readonly how: number;
}

const KINDS: readonly JsonObject[] = [
  { type: 'string' },
  { type: 'string' },
  { type: 'string', minLength: 2, maxLength: 40 },
  { type: 'string', enum: ['a', '1', 'true', '2020-01-31'] },
  { type: 'string', pattern: '^[0-9a]' },
  ...['uuid', 'date', 'date-time', 'date-time-local', 'time', 'ipv4', 'ipv6', 'byte', 'decimal', ...RANGE_TYPES].map(
    (format) => ({
      ...{ type: 'string', format },
    }),
  ),
  { type: 'string', format: 'decimal', precision: 12, scale: 4 },
  { type: 'string', format: 'decimal', precision: 6, scale: 2 },
  { type: 'string', format: 'decimal', precision: 14, scale: 4 },
  { type: 'string', format: 'decimal', precision: 3 },
  { type: 'integer' },
  { type: 'integer', minimum: 0, exclusiveMaximum: 42 },
  { type: 'number' },
  { type: 'boolean' },
  { type: 'object' },
  { type: 'array' },
  { type: ['string', 'integer'] },
  { type: ['integer', 'string', 'number', 'boolean'] },
  { oneOf: [{ type: 'string' }, { type: 'boolean' }] },
  { enum: [1, 'a', null, [1]] },
  {},
];

const RULES: readonly JsonObject[] = [
  ...[{}, { maxLength: 3 }, { minLength: 2 }, { minimum: 1 }, { maximum: 41 }, { enum: ['a', '1', 'abc', null] }],
  ...[{ enum: [1, 42, 0] }, { pattern: '[0-9]' }, { not: { const: 'abc' } }, { const: 'a' }],
];

/** Words of the store that a change of type leaves where they are. */
const KEPT_WORDS = ['unique', 'index', 'relation', 'renamedFrom'];

/** @param entity the property's own. @param other another property of it, or the same. */
export function editProperty(schema: JsonObject, edit: PropertyEdit, entity: string, other: string): JsonObject {
  const { which, how } = edit;
  const pick = <T>(from: readonly T[]): T => from[how % from.length] as T;
  switch (edit.what) {
    case 'change-kind': {
      const kept = which % 4 === 0 ? [] : KEPT_WORDS.filter((word) => Object.hasOwn(schema, word));
      return { ...pick(KINDS), ...Object.fromEntries(kept.map((word) => [word, schema[word] as JsonValue])) };
    }
    case 'nullable':
      return toggledNull(schema);
    case 'default':
      return how % 4 === 0 ? without(schema, ['default']) : { ...schema, default: valueFor(schema, how) };
    case 'unique':
      return toggled(schema, 'unique', true);
    case 'index':
      return toggled(schema, 'index', pick<JsonValue>([true, { method: 'btree' }, { method: 'brin' }, { method: 'gin' }]));
    case 'relation': {
      const targets: readonly JsonObject[] = [
        ...[{ entity: 'target' }, { entity: 'target', field: 'code' }, { entity }, { entity, field: other }],
        ...[
          { entity, field: other },
          { entity, field: other },
        ],
      ];
      return toggled(schema, 'relation', pick(targets));
    }
    case 'on-delete': {
      const { relation } = schema;
      const onDelete = pick(['restrict', 'setNull', 'cascade']);
      return relation === undefined ? schema : { ...schema, relation: { ...(relation as JsonObject), onDelete } };
    }
    case 'rule': {
      const rest = without(
        schema,
        RULES.flatMap((rule) => Object.keys(rule)),
      );
      return { ...rest, ...pick(RULES) };
    }
    case 'words':
      return { ...schema, title: `words ${how % 3}`, immutable: how % 2 === 0 };
  }
}

/** As far as a default goes, what documents call so. */
const DEFINITIONS: JsonObject = { short: { type: 'string', maxLength: 3 }, tree: { type: 'object' } };

/** A default for such a property, in the form in which its column returns it. */
export function valueFor(schema: JsonObject, choice: number): JsonValue {
  const { relation: _, ...alone } = schema;
  const document = { type: 'object', properties: { one: alone }, $defs: DEFINITIONS };
  const values = validValues(compileValidator(readEntity('one', document)), 'one');
  const value = values[choice % Math.max(values.length, 1)] ?? null;
  if (schema.format !== 'decimal' || typeof value !== 'string') return value;
  return schema.scale === undefined ? value.replace(/^0+(?=\d)/, '') : Number(value).toFixed(schema.scale as number);
}

function without(schema: JsonObject, words: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([word]) => !words.includes(word)));
}

function toggled(schema: JsonObject, word: string, value: JsonValue): JsonObject {
  return Object.hasOwn(schema, word) ? without(schema, [word]) : { ...schema, [word]: value };
}

function toggledNull(schema: JsonObject): JsonObject {
  const { type } = schema;
  if (type === undefined) return schema;
  const types = (Array.isArray(type) ? type : [type]) as string[];
  const next = types.includes('null') ? types.filter((each) => each !== 'null') : [...types, 'null'];
  return { ...schema, type: next.length === 1 ? (next[0] as string) : next };
}

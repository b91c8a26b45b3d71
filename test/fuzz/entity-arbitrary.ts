import fc, { type Arbitrary } from 'fast-check';
import { RANGE_TYPES } from '../../src/model/values/range.js';
import { columnText } from '../../src/model/values/values.js';
import type { JsonObject, JsonValue } from '../../src/platform/json-value.js';
import { rangeText, rangeValidity } from './range-arbitrary.js';

/**
 * Entity documents over every type of the dialect, with records that are valid under them and the meaning that a value has
 * to keep: of most values the value itself, of an instant the instant, whatever its offset.
 */

interface GeneratedProperty {
  readonly name: string;
  readonly schema: JsonObject;
  readonly required: boolean;
  readonly nullable: boolean;
  readonly value: Arbitrary<JsonValue>;
  /** What a patch may hold for it; undefined when merging two valid values may give one that is not. */
  readonly patch?: Arbitrary<JsonValue>;
  meaning(value: JsonValue): JsonValue;
}

export interface GeneratedEntity {
  readonly document: JsonObject;
  readonly properties: readonly GeneratedProperty[];
  readonly keepsExtras: boolean;
}

interface Kind {
  readonly schema: JsonObject;
  readonly value: Arbitrary<JsonValue>;
  readonly meaning?: (text: string) => string;
  /** Merging valid values cannot break it. */
  readonly merges?: boolean;
  /** Null is a value like any other. */
  readonly holdsNull?: boolean;
}

const WORDS = [
  '',
  ' ',
  'a ',
  'null',
  '{}',
  "it's",
  '"',
  '\\',
  '\\u0000',
  '\u2028',
  'e\u0301',
  'é',
  '😀',
  '\u0001\u001f\u007f',
  '\ufffe',
  'x'.repeat(9_000),
];
const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.replaceAll('\u0000', '')) },
  { weight: 1, arbitrary: fc.constantFrom(...WORDS) },
);
const memberName = text.filter((name) => name !== '__proto__' && name.length < 500);

const integer = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER));
const number = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    integer,
    fc.constantFrom(0.1, 1e20, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 123456789012345680000),
  )
  .map((value) => (value === 0 ? 0 : value));

/** Anything JSON can say and a double can hold. */
const json: Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), number, text),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(memberName, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

const jsonObject = fc.dictionary(memberName, json, { maxKeys: 4, noNullPrototype: true });
const pad = (value: number, length = 2) => String(value).padStart(length, '0');

const date = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
  .map(([year, month, day]) => {
    const last = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
    return `${pad(year, 4)}-${pad(month)}-${pad(Math.min(day, last))}`;
  });
const clock = fc
  .tuple(
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 0, max: 59 }),
    fc.integer({ min: 0, max: 59 }),
    fc.option(fc.stringMatching(/^[0-9]{1,6}$/)),
  )
  .map(
    ([hour, minute, second, fraction]) => `${pad(hour)}:${pad(minute)}:${pad(second)}${fraction === null ? '' : `.${fraction}`}`,
  );
const offset = fc.oneof(
  fc.constantFrom('Z', 'z', '+00:00', '-00:00', '+23:59', '-23:59', '+05:45'),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map(([sign, hour, minute]) => `${sign}${pad(hour)}:${pad(minute)}`),
);
/** The first and the last day could leave the four digits of the year when they are moved to UTC. */
const dateTime = fc
  .tuple(date, fc.constantFrom('T', 't'), clock, offset)
  .filter(([day]) => day !== '0001-01-01' && day !== '9999-12-31')
  .map((parts) => parts.join(''));

/** Microseconds since 1970, in UTC. */
function instant(value: string): string {
  const [, seconds, fraction = '', zone] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(value.toUpperCase()) as RegExpExecArray;
  return String(BigInt(Date.parse(`${seconds}${zone}`)) * 1000n + BigInt(fraction.padEnd(6, '0')));
}

/** Microseconds of a day, in UTC. */
function timeOfDay(value: string): string {
  const day = 86_400_000_000n;
  return String(((BigInt(instant(`2000-01-02T${value}`)) % day) + day) % day);
}

function decimalValue(value: string): string {
  const [, sign, whole = '', fraction = ''] = /^(-?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(value) as RegExpExecArray;
  return whole === '' && fraction === '' ? '0' : `${sign}${whole}.${fraction}`;
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const decimal = (whole: number, scale: number) =>
  fc
    .tuple(fc.constantFrom('', '-'), digits(whole), fc.option(digits(scale)))
    .map(([sign, left, right]) => `${sign}${left}${right === null ? '' : `.${right}`}`);

const text8 = { type: 'string', maxLength: 8 };
const TREE = {
  type: 'object',
  properties: { label: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/tree' } } },
};
const tree: Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.record({ label: text, children: fc.array(tie('node'), { maxLength: 2 }) }, { requiredKeys: [] }),
})).node;

const KINDS: readonly Kind[] = [
  { schema: { type: 'string' }, value: text, merges: true },
  { schema: text8, value: text.map((value) => [...value].slice(0, 8).join('')), merges: true },
  { schema: { type: 'string', enum: WORDS }, value: fc.constantFrom(...WORDS), merges: true },
  { schema: { type: 'string', pattern: '^a' }, value: text.map((value) => `a${value}`), merges: true },
  { schema: { $ref: '#/$defs/short' }, value: text.map((value) => [...value].slice(0, 8).join('')), merges: true },
  {
    schema: { type: 'string', format: 'uuid' },
    value: fc.uuid().chain((id) => fc.constantFrom(id, id.toUpperCase())),
    meaning: (value) => value.toLowerCase(),
    merges: true,
  },
  { schema: { type: 'string', format: 'date' }, value: date, merges: true },
  { schema: { type: 'string', format: 'date-time' }, value: dateTime, meaning: instant, merges: true },
  {
    schema: { type: 'string', format: 'date-time-local' },
    value: fc.tuple(date, clock).map((parts) => parts.join('T')),
    meaning: (value) => instant(`${value}Z`),
    merges: true,
  },
  {
    schema: { type: 'string', format: 'time' },
    value: fc.tuple(clock, offset).map((parts) => parts.join('')),
    meaning: timeOfDay,
    merges: true,
  },
  { schema: { type: 'string', format: 'ipv4' }, value: fc.ipV4(), merges: true },
  {
    schema: { type: 'string', format: 'ipv6' },
    value: fc.ipV6(),
    meaning: (value) => new URL(`http://[${value}]`).hostname,
    merges: true,
  },
  {
    schema: { type: 'string', format: 'byte' },
    value: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    merges: true,
  },
  { schema: { type: 'string', format: 'decimal' }, value: decimal(40, 40), meaning: decimalValue, merges: true },
  {
    schema: { type: 'string', format: 'decimal', precision: 12, scale: 4 },
    value: decimal(8, 4),
    meaning: decimalValue,
    merges: true,
  },
  ...RANGE_TYPES.map((type) => ({
    schema: { type: 'string', format: type },
    value: rangeText(type).filter(rangeValidity(type)),
    meaning: (value: string) => columnText({ type }, value),
    merges: true,
  })),
  { schema: { type: 'string', format: 'email' }, value: fc.emailAddress(), merges: true },
  { schema: { type: 'integer' }, value: integer, merges: true },
  { schema: { type: 'integer', minimum: -5, exclusiveMaximum: 100 }, value: fc.integer({ min: -5, max: 99 }), merges: true },
  { schema: { type: 'number' }, value: number, merges: true },
  { schema: { type: 'boolean' }, value: fc.boolean(), merges: true },
  { schema: { type: 'object' }, value: jsonObject, merges: true },
  { schema: { type: 'array' }, value: fc.array(json, { maxLength: 5 }), merges: true },
  {
    schema: { type: 'array', items: { type: ['integer', 'null'] }, maxItems: 3 },
    value: fc.array(fc.option(integer), { maxLength: 3 }),
    merges: true,
  },
  { schema: { type: ['string', 'integer'] }, value: fc.oneof(text, integer), merges: true },
  { schema: { oneOf: [{ type: 'string' }, { type: 'boolean' }] }, value: fc.oneof(text, fc.boolean()), merges: true },
  { schema: { $ref: '#/$defs/tree' }, value: tree, merges: true },
  { schema: { const: { a: [1, null] } }, value: fc.constant({ a: [1, null] }) },
  { schema: { enum: [1, 'one', null, [1]] }, value: fc.constantFrom<JsonValue>(1, 'one', null, [1]), holdsNull: true },
  { schema: {}, value: json, holdsNull: true, merges: true },
];

const NAMES = [
  'a',
  'A',
  'order',
  'select',
  'имя',
  'é',
  'kebab-case',
  '_x',
  'xmin',
  'Revision',
  'c0',
  'body',
  `${'n'.repeat(63)}a`,
  `${'n'.repeat(63)}b`,
  'length',
  'toJSON',
];

const property = (name: string): Arbitrary<GeneratedProperty> =>
  fc
    .record({ kind: fc.constantFrom(...KINDS), required: fc.boolean(), widened: fc.boolean() })
    .map(({ kind, required, widened }) => {
      const { type } = kind.schema;
      const adds = widened && typeof type === 'string' && kind.schema.enum === undefined;
      const nullable = adds || kind.holdsNull === true;
      const schema: JsonObject = adds ? { ...kind.schema, type: [type as string, 'null'] } : kind.schema;
      const value = adds
        ? fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 3, arbitrary: kind.value })
        : kind.value;
      const mayBeNull = nullable || !required;
      const patch = kind.merges
        ? mayBeNull
          ? fc.oneof(fc.constant(null), kind.value)
          : kind.value.filter((each) => each !== null)
        : undefined;
      const meaning = (each: JsonValue) => (kind.meaning && typeof each === 'string' ? kind.meaning(each) : each);
      return { name, schema, required, nullable, value, ...(patch && { patch }), meaning };
    });

export const entity: Arbitrary<GeneratedEntity> = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 8 }), fc.constantFrom(undefined, true, false))
  .chain(([names, additionalProperties]) =>
    fc.tuple(...names.map(property)).map((properties) => ({
      document: {
        type: 'object',
        required: properties.filter(({ required }) => required).map(({ name }) => name),
        properties: Object.fromEntries(properties.map(({ name, schema }) => [name, schema])),
        ...(additionalProperties !== undefined && { additionalProperties }),
        $defs: { tree: TREE, short: text8 },
      },
      properties,
      keepsExtras: additionalProperties !== false,
    })),
  );

const RESERVED = new Set(['tenant_id', '_extra', 'id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision']);

/** Undeclared members, none where the entity refuses them. */
function extras({ keepsExtras, properties }: GeneratedEntity): Arbitrary<JsonObject> {
  if (!keepsExtras) return fc.constant({});
  const declared = new Set(properties.map(({ name }) => name));
  const names = fc.oneof(
    memberName,
    fc.constantFrom('constructor', 'toString', 'prototype', 'Id', 'tenant_id ', '_Extra', 'c0', 'extra'),
  );
  return fc.dictionary(
    names.filter((name) => !declared.has(name) && !RESERVED.has(name)),
    json,
    { maxKeys: 3, noNullPrototype: true },
  );
}

/** A valid record: every required member, of the optional ones some. */
export function record(generated: GeneratedEntity): Arbitrary<JsonObject> {
  const requiredKeys = generated.properties.filter(({ required }) => required).map(({ name }) => name);
  const members = Object.fromEntries(generated.properties.map(({ name, value }) => [name, value]));
  return fc
    .tuple(fc.record(members, { requiredKeys, noNullPrototype: true }), extras(generated))
    .map(([declared, more]) => ({ ...more, ...declared }) as JsonObject);
}

/** A merge patch after which a valid record is still valid. */
export function patch(generated: GeneratedEntity): Arbitrary<JsonObject> {
  const mergeable = generated.properties.flatMap(({ name, patch: value }) => (value ? [[name, value] as const] : []));
  return fc
    .tuple(fc.record(Object.fromEntries(mergeable), { requiredKeys: [], noNullPrototype: true }), extras(generated))
    .map(([declared, more]) => ({ ...more, ...declared }) as JsonObject);
}

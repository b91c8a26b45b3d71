import fc, { type Arbitrary } from 'fast-check';
import type { Entity } from '../../src/model/entity.js';
import type { RecordValidator } from '../../src/model/validation/validator.js';
import type { JsonObject, JsonValue } from '../../src/platform/json-value.js';

/** Records of any document, of values that have a chance of being valid under another one too. */

/** Per record and member, which of the valid values it takes; whatever the numbers, there is one. */
export type Choices = readonly (readonly number[])[];

export const choices: Arbitrary<Choices> = fc.array(fc.array(fc.nat(999), { minLength: 8, maxLength: 8 }), { maxLength: 6 });

/** Ids that records have, and the rows of the other entity. */
export function idOf(index: number): string {
  return `00000000-0000-7000-8000-00000000000${index + 1}`;
}

/** Natural keys of the rows of the other entity. */
export const TARGET_CODES: readonly string[] = ['a', '1', 'abc'];

export const NAMES: readonly string[] = [
  ...['a', 'b', 'code', 'select', 'имя', 'Revision', 'xmin', '_x', 'kebab-case'],
  ...[`${'n'.repeat(120)}a`, `${'n'.repeat(120)}b`],
];

/** Spelled as the store returns them, so that they can be compared with what is read. */
const VALUES: readonly JsonValue[] = [
  ...['a', '1', '42', '-7', '1.50', '1.5', '1.5000', '0.25', 'true', 'false', 'abc', '', 'x y', 'null', '007', '{}', 'a@b.org'],
  ...['2020-01-31', '2020-01-31T10:00:00Z', '2020-01-31T00:00:00Z', '2020-01-31T00:00:00', '2020-01-31T10:00:00.5', '12:30:00Z'],
  ...['[1,6)', '(,)', 'empty', '[1.5,)', '[1.50,)', '[2020-01-31,2020-02-01)', '(2020-01-31T10:00:00.5,2020-02-01T00:00:00]'],
  ...['[2020-01-31T10:00:00Z,2020-01-31T11:00:00Z)', '[1,5]', '[2020-01-31T10:00:00+01:00,)'],
  ...['10.0.0.1', '::1', 'AQID', 'abcd', '100000000000000000000', '0.10', '123456.7800'],
  ...[0, 1, 3, 42, -7, Number.MAX_SAFE_INTEGER, 1.5, 0.1, -2.25, 1e21, 1e-7, 123456.75],
  ...[true, false, null],
  ...[idOf(0), idOf(1), idOf(2), 'ffffffff-0000-7000-8000-000000000000'],
  ...[[], [1], [1, 2, 3], ['a', null], {}, { a: 1, b: [null] }],
];

const known = new WeakMap<RecordValidator, Map<string, readonly JsonValue[]>>();

/** Those of the values above that are valid for a member, by themselves. */
export function validValues(validator: RecordValidator, name: string): readonly JsonValue[] {
  const byName = known.get(validator) ?? new Map<string, readonly JsonValue[]>();
  known.set(validator, byName);
  const values = byName.get(name) ?? VALUES.filter((value) => isValid(validator, name, value));
  byName.set(name, values);
  return values;
}

function isValid(validator: RecordValidator, name: string, value: JsonValue): boolean {
  const faults = validator.validate({ [name]: value });
  return !faults.some(({ pointer }) => pointer === `/${name}` || pointer.startsWith(`/${name}/`));
}

/** A valid record, unless the document has none among the values at hand. */
export function recordOf(entity: Entity, validator: RecordValidator, chosen: Choices, index: number): JsonObject | undefined {
  const [first = [], own = []] = [chosen[0], chosen[index]];
  const declared = entity.properties.map(({ name }) => name);
  const undeclared = entity.keepsExtras ? NAMES.filter((name) => !declared.includes(name)).slice(0, 3) : [];
  const members = [...declared, ...undeclared].flatMap((name, i) => {
    const [common, number] = [first, own].map((numbers) => numbers[i % numbers.length] as number) as [number, number];
    const required = entity.properties.find((property) => property.name === name)?.required;
    if (!required && number % 4 === 0) return [];
    const values = validValues(validator, name);
    // Most records agree on two values, so that what is asked of all of them is not always refused.
    const value = values[(number % 8 === 7 ? number : common + (number % 2)) % Math.max(values.length, 1)];
    return value === undefined ? [] : [[name, value] as const];
  });
  const record = Object.fromEntries(members);
  return validator.validate(record).length === 0 ? record : undefined;
}

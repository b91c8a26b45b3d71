import fc from 'fast-check';
import { readJson } from '../../platform/json.js';
import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { type ColumnType, type Entity, KEEPS_NOTHING, type Property } from '../entity.js';
import { splitRecord } from './record-columns.js';
import { compileRowWriter, compileStoredRowWriter } from './row-writer.js';

function property(name: string, type: ColumnType, more: Partial<Property> = {}): Property {
  return {
    ...{ name, column: `${name}~1`, type, required: false, nullable: true, checks: [] },
    ...{ immutable: false, readOnly: false, writeOnly: false },
    ...more,
  };
}

function entityOf(properties: readonly Property[], more: Partial<Entity> = {}): Entity {
  return {
    ...{
      name: 'thing',
      table: 'thing',
      keepsExtras: true,
      uniqueKeys: [],
      indexes: [],
      concurrency: 'optional',
      keeps: KEEPS_NOTHING,
      document: {},
    },
    properties,
    ...more,
  };
}

const SYSTEM_COLUMNS = ['id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision'];
const ID = '018f0000-0000-7000-8000-000000000000';
const SYSTEM_TEXTS = [ID, '2026-11-21 06:47:53+00', '2026-11-21 06:47:53+00', 'a', 'b', '3'];

describe('compileRowWriter', () => {
  const entity = entityOf([
    property('name', 'text', { required: true, nullable: false }),
    property('size', 'bigint', { required: true }),
    property('note', 'text'),
    property('flag', 'boolean', { nullable: false }),
    property('secret', 'text', { writeOnly: true }),
  ]);

  it('never writes a write-only property, even when it is asked for', () => {
    const row = [...SYSTEM_TEXTS, 'n', '1', null, null, '{"secret":"hidden","more":1}'];
    expect(compileRowWriter(entity).columns).not.toContain('secret~1');
    expect(compileRowWriter(entity).write(row)).not.toContain('hidden');
    const asked = compileRowWriter(entity, ['secret', { name: 'secret', as: 'shown' }, 'name']);
    expect(asked.columns).toEqual(['name~1']);
    expect(asked.write(['n'])).toBe('{"name":"n"}');
  });

  it('never writes the tenant, nor lets an undeclared member take the place of a system member', () => {
    const row = [...SYSTEM_TEXTS, 'n', '1', null, null, '{"tenant_id":"t","id":"x","revision":9,"other":1}'];
    expect(JSON.parse(compileRowWriter(entity).write(row))).toMatchObject({ id: SYSTEM_TEXTS[0], revision: 3, other: 1 });
    expect(compileRowWriter(entity).write(row)).not.toMatch(/tenant_id|"x"|:9/);
  });

  it('refuses a name that the entity does not have', () => {
    expect(() => compileRowWriter(entity, ['tenant_id'])).toThrow('entity thing has no member tenant_id');
    expect(() => compileRowWriter(entity, ['constructor'])).toThrow('no member constructor');
  });

  it('writes system members, properties, then what else the record holds', () => {
    const { columns, write } = compileRowWriter(entity);
    expect(columns).toEqual([...SYSTEM_COLUMNS, 'name~1', 'size~1', 'note~1', 'flag~1', '_extra']);
    expect(write([...SYSTEM_TEXTS, 'n"\n', '7', 'x', 't', '{"z": [1, null], "a\\"b": 1e2}'])).toBe(
      '{"id":"018f0000-0000-7000-8000-000000000000","created_at":"2026-11-21T06:47:53Z","updated_at":"2026-11-21T06:47:53Z",' +
        '"created_by":"a","updated_by":"b","revision":3,"name":"n\\"\\n","size":7,"note":"x","flag":true,"z":[1,null],"a\\"b":100}',
    );
  });

  it('keeps an absent member and an explicit null apart', () => {
    const { columns, write } = compileRowWriter(entity, ['size', 'note', 'flag']);
    expect(columns).toEqual(['size~1', 'note~1', 'flag~1', '_extra']);
    expect(write([null, null, null, null])).toBe('{"size":null}');
    expect(write([null, null, null, '{"note": null, "undeclared": 1}'])).toBe('{"size":null,"note":null}');
  });

  it('writes what was selected under the name that was asked for', () => {
    const { columns, write } = compileRowWriter(entity, [
      { name: 'note', as: 'remark' },
      'revision',
      { name: 'name', as: 'a"b' },
    ]);
    expect(columns).toEqual(['note~1', 'revision', 'name~1', '_extra']);
    expect(write(['x', '1', 'n', null])).toBe('{"remark":"x","revision":1,"a\\"b":"n"}');
    expect(write([null, '1', 'n', '{"note": null}'])).toBe('{"remark":null,"revision":1,"a\\"b":"n"}');
  });

  it('does not read extras that cannot matter, and writes an empty record as one', () => {
    expect(compileRowWriter(entity, ['name', 'size', 'flag']).columns).not.toContain('_extra');
    expect(
      compileRowWriter(entityOf([property('a', 'text', { nullable: false })], { keepsExtras: false })).columns,
    ).not.toContain('_extra');
    expect(compileRowWriter(entity, ['flag']).write([null])).toBe('{}');
  });
});

describe('splitRecord', () => {
  const entity = entityOf([property('a', 'text'), property('b', 'bigint', { required: true }), property('c', 'jsonb')]);

  it('puts undeclared members and explicit nulls aside, and nothing else', () => {
    expect(splitRecord(entity, ID, { c: { x: null }, a: 'v', b: 1 })).toEqual({ columns: ['v', '1', '{"x":null}'], extra: null });
    expect(splitRecord(entity, ID, { a: null, b: null })).toEqual({ columns: [null, null, null], extra: '{"a":null,"b":null}' });
    expect(splitRecord(entity, ID, { z: [1], b: 1 })).toEqual({ columns: [null, '1', null], extra: '{"z":[1]}' });
  });

  it('takes members for what they are, whatever they are called', () => {
    const record = JSON.parse('{"__proto__":{"admin":true},"toString":"s","b":1}');
    const { extra } = splitRecord(entityOf([property('constructor', 'text'), property('b', 'bigint')]), ID, record);
    expect(extra).toBe('{"__proto__":{"admin":true},"toString":"s"}');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('a record', () => {
  const types: ColumnType[] = ['text', 'bigint', 'boolean', 'jsonb', 'double precision'];
  // No body can hold a member __proto__: readJson refuses it.
  const json = fc
    .jsonValue({ maxDepth: 2 })
    .map(plain)
    .filter((value) => !JSON.stringify(value).includes('__proto__'));
  const valueFor: Record<string, fc.Arbitrary<JsonValue>> = {
    text: fc.string({ unit: 'grapheme' }),
    bigint: fc.maxSafeInteger(),
    boolean: fc.boolean(),
    jsonb: json,
    'double precision': fc.double({ noNaN: true, noDefaultInfinity: true }).map(plain),
  };
  const name = fc
    .oneof(fc.constantFrom('constructor', 'toString', 'a/b', 'a"b', '1', 'é'), fc.string({ minLength: 1 }))
    .filter(isFree);

  function isFree(candidate: string): boolean {
    return !['__proto__', 'tenant_id', ...SYSTEM_COLUMNS].includes(candidate);
  }

  /** Without the negative zeros, which readJson refuses. */
  function plain(value: unknown): JsonValue {
    return JSON.parse(JSON.stringify(value), (_name, each) => (Object.is(each, -0) ? 0 : each));
  }

  const propertyAndValue = fc
    .record({
      name,
      type: fc.constantFrom(...types),
      required: fc.boolean(),
      nullable: fc.boolean(),
      state: fc.constantFrom('set', 'null', 'absent'),
    })
    .chain((each) => valueFor[each.type]!.map((value) => ({ ...each, value })));

  it('comes back equal: absent, null, extras and all', () => {
    const properties = fc.uniqueArray(propertyAndValue, { selector: (each) => each.name, maxLength: 6 });
    const extras = fc.dictionary(name, json, { maxKeys: 3 });
    fc.assert(
      fc.property(properties, extras, fc.boolean(), (columns, others, stored) => {
        const entity = entityOf(
          columns.map((each) => property(each.name, each.type, { required: each.required, nullable: each.nullable })),
        );
        const members: [string, JsonValue][] = columns.flatMap((each): [string, JsonValue][] => {
          // A jsonb value of null is an explicit null, too.
          const value = each.state === 'null' ? null : each.value;
          if (each.state === 'absent' && !each.required) return [];
          if (value === null && !each.nullable) return [];
          return [[each.name, value]];
        });
        const undeclared = Object.entries(others).filter(([other]) => !columns.some((each) => each.name === other));
        const record: JsonObject = Object.fromEntries([...members, ...undeclared]);

        const { columns: texts, extra } = splitRecord(entity, ID, record);
        const writer = stored ? compileStoredRowWriter(entity) : compileRowWriter(entity);
        const printed = texts.map((text, i) => (columns[i]!.type === 'boolean' && text ? text[0]! : text));
        const text = writer.write([...SYSTEM_TEXTS, ...printed, extra]);
        const back = Object.entries(readJson(Buffer.from(text)) as JsonObject).filter(
          ([member]) => !SYSTEM_COLUMNS.includes(member),
        );
        const missing = columns.filter((each) => each.required && each.nullable && !Object.hasOwn(record, each.name));
        fc.pre(missing.length === 0);
        expect(Object.fromEntries(back)).toEqual(record);
        expect(back.map(([member]) => member)).toHaveLength(Object.keys(record).length);
      }),
      { numRuns: 500 },
    );
  });
});

import fc from 'fast-check';
import { entity, record } from '../../test/fuzz/entity-arbitrary.js';
import { typeFaults } from '../../test/harness/type-checker.js';
import { readEntity } from '../model/document/read-entity.js';
import { SYSTEM_MEMBERS } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import { typesSource } from './types-source.js';

jest.setTimeout(120_000);

/** As a value that was not written for the type: what a type does not mention may be in it. */
const HEADER = `
import type { Tables, TablesInsert } from './database';
const fits = <T>() => <Value extends T>(value: Value) => value;
`;

const SYSTEM = Object.fromEntries(Object.entries(SYSTEM_MEMBERS).map(([name, type]) => [name, type === 'bigint' ? 1 : 'x']));

const tenant = fc.array(
  entity.chain((generated) => fc.tuple(fc.constant(generated), fc.array(record(generated), { maxLength: 4 }))),
  { minLength: 20, maxLength: 20, size: 'max' },
);

describe('types source › any document', () => {
  it('has types for every record that is valid, as it is inserted and as it is read', () => {
    fc.assert(
      fc.property(tenant, (generated) => {
        const entities = generated.map(([{ document }], index) => readEntity(`e${index}`, document));
        const lines = generated.flatMap(([{ properties }, records], index) => {
          const absent: JsonObject = Object.fromEntries(properties.map(({ name }) => [name, null]));
          return records.flatMap((inserted) => [
            `fits<TablesInsert<'e${index}'>>()(${JSON.stringify({ ...inserted, id: 'x' })});`,
            `fits<Tables<'e${index}'>>()(${JSON.stringify({ ...absent, ...inserted, ...SYSTEM })});`,
          ]);
        });
        const source = typesSource(entities);
        expect(typeFaults({ 'database.ts': source, 'records.ts': HEADER + lines.join('\n') })).toEqual([]);
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });

  it('has none for records that are not', () => {
    const document = {
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'string' }, b: { type: 'array', items: { enum: ['x', 1] } } },
    };
    const wrong = ['{}', '{ a: 1 }', '{ a: null }', '{ a: "", b: "x" }', '{ a: "", b: ["y"] }', '{ a: "", b: null }'];
    const lines = wrong.map((value) => `fits<TablesInsert<'e'>>()(${value});`);
    const faults = typeFaults({
      'database.ts': typesSource([readEntity('e', document)]),
      'records.ts': HEADER + lines.join('\n'),
    });
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(wrong.map((_, index) => `records.ts:${index + 4}`));
  });
});

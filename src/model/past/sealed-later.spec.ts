import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { hiddenName } from '../names.js';
import type { VersionStep } from '../plan/lineage.js';
import { type Fields, withFields } from '../sealed/fields.js';
import { type SealedLater, sealedLater } from './sealed-later.js';

const text = { type: 'string' };
const sealed = { ...text, encrypted: true };

function step(
  version: number,
  properties: JsonObject,
  fields: Fields = {},
  restored: ReadonlyMap<string, string> = new Map(),
): VersionStep {
  const entity = withFields(readEntity('Item', { type: 'object', additionalProperties: false, properties }), fields);
  return { version, entity, restored };
}

const told = (later: readonly SealedLater[]) =>
  later.map((each) =>
    [...each].map(([name, { column, type, encrypted }]) => [name, column, type, encrypted?.of, encrypted?.field]),
  );

describe('what a later version encrypted', () => {
  it('is nothing of what was encrypted from the first, or never', () => {
    expect(told(sealedLater([step(1, { a: sealed, b: text }), step(2, { a: sealed, b: text })]))).toEqual([[], []]);
    expect(sealedLater([])).toEqual([]);
  });

  it('is nothing of what was not there, or is another property of the name', () => {
    const steps = [step(1, { a: text }), step(2, { b: text }), step(3, { b: text, a: sealed }, { a: 'a@3' })];
    expect(told(sealedLater(steps))).toEqual([[], [], []]);
  });

  it('is followed through names and types, each as it was then, under the one name for ever', () => {
    const steps = [
      step(1, { old: { type: 'integer' } }),
      step(2, { old: text }),
      step(3, { fresh: { ...text, renamedFrom: 'old' } }),
      step(4, { fresh: sealed }, { fresh: 'fresh@4' }),
      step(5, { last: { ...sealed, renamedFrom: 'fresh' } }, { last: 'fresh@4' }),
    ];
    expect(told(sealedLater(steps))).toEqual([
      [['old', 'old~sealed', 'bytea', 'bigint', 'fresh@4']],
      [['old', 'old~sealed', 'bytea', 'text', 'fresh@4']],
      [['fresh', 'fresh~sealed', 'bytea', 'text', 'fresh@4']],
      [],
      [],
    ]);
  });

  it('is followed through a time in which it was dropped', () => {
    const restored = new Map([['a', hiddenName('a', 2)]]);
    const steps = [step(1, { a: text }), step(2, {}), step(3, { a: text }, {}, restored), step(4, { a: sealed }, { a: 'a@4' })];
    expect(told(sealedLater(steps)).map((each) => each.map(([name, , , , field]) => [name, field]))).toEqual([
      [['a', 'a@4']],
      [],
      [['a', 'a@4']],
      [],
    ]);
  });

  it('is under the name of the first time, where it was decrypted meanwhile', () => {
    const steps = [
      step(1, { a: text }),
      step(2, { a: sealed }, { a: 'a@2' }),
      step(3, { a: text }),
      step(4, { a: sealed }, { a: 'a@4' }),
    ];
    expect(told(sealedLater(steps)).map((each) => each.map(([, , , , field]) => field))).toEqual([['a@2'], [], ['a@4'], []]);
  });
});

import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { hiddenName } from '../names.js';
import { type VersionStep, whereabouts } from '../plan/lineage.js';
import { originsOf } from './origins.js';

const step = (
  version: number,
  properties: JsonObject,
  { renames, restored = [] }: { renames?: [string, string][]; restored?: [string, string][] } = {},
): VersionStep => ({
  version,
  entity: readEntity('Order', { type: 'object', properties }),
  ...(renames ? { renames: new Map(renames) } : {}),
  restored: new Map(restored),
});

const told = (steps: readonly VersionStep[]) =>
  originsOf(steps).map((origins) => Object.fromEntries([...origins].map(([name, { name: was }]) => [name, was])));

const text = { type: 'string' };

describe('a property of the newest version', () => {
  it('is nobody in a version that did not have it, also when another one had its name', () => {
    const steps = [step(1, { a: text, gone: text }), step(2, { a: text }), step(3, { a: text, gone: text })];
    expect(told(steps)).toEqual([{ a: 'a' }, { a: 'a' }, { a: 'a', gone: 'gone' }]);
  });

  it('is followed through renames, said by the document or by the change', () => {
    const steps = [
      step(1, { a: text }),
      step(2, { b: { ...text, renamedFrom: 'a' } }),
      step(3, { c: text }, { renames: [['c', 'b']] }),
      step(4, { c: text, a: text }),
    ];
    expect(told(steps)).toEqual([{ c: 'a' }, { c: 'b' }, { c: 'c' }, { c: 'c', a: 'a' }]);
  });

  it('is what it was before it was dropped, once it is restored, and nothing in between', () => {
    const steps = [
      step(1, { old: text, b: text }),
      step(2, { a: { ...text, renamedFrom: 'old' }, b: text }),
      step(3, { b: text }),
      step(4, { b: text, c: text }),
      step(5, { b: text, c: text, a: text }, { restored: [['a', hiddenName('a', 3)]] }),
    ];
    expect(told(steps)).toEqual([
      { b: 'b', a: 'old' },
      { b: 'b', a: 'a' },
      { b: 'b' },
      { b: 'b', c: 'c' },
      { b: 'b', c: 'c', a: 'a' },
    ]);
  });

  it('is found again from where it was: the inverse of whereabouts', () => {
    const steps = [
      step(1, { a: text, b: text, d: text }),
      step(2, { x: text, b: text, d: text }, { renames: [['x', 'a']] }),
      step(3, { x: text, d: text }),
      step(4, { x: text, d: text, b: text }, { restored: [['b', hiddenName('b', 3)]] }),
      step(5, { y: text, d: text, b: text, a: text }, { renames: [['y', 'x']] }),
    ];
    const [first] = told(steps);
    for (const [origin, where] of whereabouts(steps)) {
      expect(where.state === 'here' ? first?.[where.name] : undefined).toBe(origin);
    }
    expect(Object.keys(first ?? {}).sort()).toEqual(['b', 'd', 'y']);
  });
});

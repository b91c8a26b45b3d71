import { change, closed, HOME } from './plan.fixture.js';
import { droppedProperties, formerProperty, hiddenColumn, transition } from './transition.js';

const T = { type: 'string' };
const names = (properties: readonly { readonly name: string }[]) => properties.map(({ name }) => name);

describe('a transition', () => {
  it('restores nothing that the old version has: the hidden column is of another property of that name', () => {
    const { t, kinds } = change(closed({ a: T }), closed({ b: { ...T, renamedFrom: 'a' } }), { kept: new Map([['b', '~1~b']]) });
    expect([...t.kept]).toEqual([]);
    expect(kinds).toEqual(['rename-property']);
  });

  it('tells the properties that go from those that continue under another name', () => {
    const { t } = change(closed({ a: T, b: T, c: T }), closed({ d: { ...T, renamedFrom: 'b' }, c: T, e: T }));
    expect(names(droppedProperties(t))).toEqual(['a']);
    expect(t.after.properties.map((property) => formerProperty(t, property)?.name)).toEqual(['b', 'c', undefined]);
  });

  it('takes renames that nobody wrote down', () => {
    const { home, resolve } = change(closed({}), closed({})).t;
    const [before, after] = [change(closed({ a: T }), closed({})).t.before, change(closed({}), closed({ b: T })).t.after];
    const t = transition({ home, before, after, resolve, version: 2, renames: new Map([['b', 'a']]) });
    expect(home).toEqual(HOME);
    expect(formerProperty(t, after.properties[0]!)?.name).toBe('a');
  });

  it('knows the old version under its new names, keys and self-relations included', () => {
    const { t } = change(
      closed({ a: { ...T, unique: true }, up: { ...T, relation: { entity: 'item', field: 'a' } } }, { indexes: [['-a']] }),
      closed({ b: { ...T, unique: true, renamedFrom: 'a' }, up: T }),
      { nameAfter: 'thing' },
    );
    const { name, table, uniqueKeys, indexes, properties } = t.renamed;
    expect({ name, table, uniqueKeys, indexes }).toEqual({
      name: 'thing',
      table: 'thing',
      uniqueKeys: [{ name: 'thing.b.key', properties: ['b'] }],
      indexes: [{ name: 'thing.-b.idx', method: 'btree', fields: [{ property: 'b', descending: true }] }],
    });
    expect(properties[1]?.relation).toEqual({ entity: 'thing', field: 'b', onDelete: 'restrict' });
  });
});

describe('a hidden column', () => {
  it('has a name of its own each time, and never a name that is too long', () => {
    const long = 'n'.repeat(120);
    const { t } = change(closed({ [long]: T, a: T }), closed({}));
    const columns = t.before.properties.map((property) => hiddenColumn(t, property));
    const later = t.before.properties.map((property) => hiddenColumn({ ...t, version: 3 }, property));
    expect(new Set([...columns, ...later]).size).toBe(4);
    for (const column of [...columns, ...later]) {
      expect(column).toMatch(/^~/);
      expect(Buffer.byteLength(column)).toBeLessThan(63);
    }
  });
});

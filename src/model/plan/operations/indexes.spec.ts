import { change, closed } from '../plan.fixture.js';

describe('indexes', () => {
  it('ask no row, and need nobody to wait for them on a large table', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'object' } }),
      closed(
        { a: { type: 'string', index: true }, b: { type: 'object', index: { method: 'gin' } } },
        { indexes: [['a', '-created_at']] },
      ),
    );
    expect(item.draft.probes).toEqual([]);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- indexes, owner
create index "item.a.idx" on "t_1"."item" using btree ("a")
-- indexes, owner
create index "item.b.gin_idx" on "t_1"."item" using gin ("b")
-- indexes, owner
create index "item.a.-created_at.idx" on "t_1"."item" using btree ("a", "created_at" desc)`);
    expect(item.large).toBe(`-- prepare-indexes, owner, alone
create index concurrently "item.a.idx~new" on "t_1"."item" using btree ("a")
-- prepare-indexes, owner, alone
create index concurrently "item.b.gin_idx~new" on "t_1"."item" using gin ("b")
-- prepare-indexes, owner, alone
create index concurrently "item.a.-created_at.idx~new" on "t_1"."item" using btree ("a", "created_at" desc)
-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- indexes, owner
alter index "t_1"."item.a.idx~new" rename to "item.a.idx"
-- indexes, owner
alter index "t_1"."item.b.gin_idx~new" rename to "item.b.gin_idx"
-- indexes, owner
alter index "t_1"."item.a.-created_at.idx~new" rename to "item.a.-created_at.idx"`);
    expect(item.plan(1_000_000).needs).toEqual([]);
  });

  it('go by their names', () => {
    const item = change(closed({ a: { type: 'string', index: { method: 'brin' } } }), closed({ a: { type: 'string' } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-indexes, owner
drop index "t_1"."item.a.brin_idx"`);
  });

  it('are undone by dropping them', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', index: true } }));
    expect(item.operation('add-index').describe()).toBe('"a" gets an index, using btree ("a")');
    expect(item.operation('add-index').risk).toEqual({ level: 'none', reversible: 'yes' });
    expect(item.operation('add-index').pointer).toBe('/properties/a/index');
    expect(item.operation('add-index').inverse).toEqual({
      kind: 'drop-index',
      object: { name: 'item.a.idx', definition: 'using btree ("a")', properties: ['a'], kind: 'index' },
    });
  });

  it('are undone by building them again', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'string' } }, { indexes: [['a', 'b']] }),
      closed({ a: { type: 'string' }, b: { type: 'string' } }),
    );
    expect(item.operation('drop-index').describe()).toBe('"a" and "b" lose an index, using btree ("a", "b")');
    expect(item.operation('drop-index').risk).toEqual({ level: 'none', reversible: 'yes' });
    expect(item.operation('drop-index').pointer).toBe('/indexes');
    expect(item.operation('drop-index').inverse).toEqual({
      kind: 'add-index',
      object: { name: 'item.a.b.idx', definition: 'using btree ("a", "b")', properties: ['a', 'b'], kind: 'index' },
    });
  });
});

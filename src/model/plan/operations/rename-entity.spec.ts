import { change, closed } from '../plan.fixture.js';

describe('renaming an entity', () => {
  it('renames constraints, indexes and guards with the table, and the table last', () => {
    const item = change(
      closed({ a: { type: 'string', unique: true }, up: { type: 'string', relation: { entity: 'item', field: 'a' } } }),
      closed(
        { a: { type: 'string', unique: true }, up: { type: 'string', relation: { entity: 'thing', field: 'a' } } },
        { renamedFrom: 'item' },
      ),
      { nameAfter: 'thing', guards: new Set(['_extra.item.a.check']) },
    );
    expect(item.kinds).toEqual(['rename-entity']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename constraint "item.pkey" to "thing.pkey"
-- rename, owner
alter table "t_1"."item" rename constraint "item.tenant.check" to "thing.tenant.check"
-- rename, owner
alter table "t_1"."item" rename constraint "item.a.key" to "thing.a.key"
-- rename, owner
alter table "t_1"."item" rename constraint "item.up.fkey" to "thing.up.fkey"
-- rename, owner
alter index "t_1"."item.up.fkey_idx" rename to "thing.up.fkey_idx"
-- rename, owner
alter table "t_1"."item" rename constraint "_extra.item.a.check" to "_extra.thing.a.check"
-- rename, owner
alter table "t_1"."item" rename to "thing"`);
    expect(item.large === item.small).toEqual(true);
  });

  it('does not rename a guard that another operation drops', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: ['string', 'null'] } }, { renamedFrom: 'item' }), {
      nameAfter: 'thing',
      guards: new Set(['_extra.item.a.check']),
    });
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.a.check"
-- rename, owner
alter table "t_1"."item" rename constraint "item.pkey" to "thing.pkey"
-- rename, owner
alter table "t_1"."item" rename constraint "item.tenant.check" to "thing.tenant.check"
-- rename, owner
alter table "t_1"."item" rename to "thing"`);
  });

  it('speaks of the table by its new name afterwards', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string' }, b: { type: 'integer', index: true } }, { renamedFrom: 'item' }),
      { nameAfter: 'thing' },
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename constraint "item.pkey" to "thing.pkey"
-- rename, owner
alter table "t_1"."item" rename constraint "item.tenant.check" to "thing.tenant.check"
-- rename, owner
alter table "t_1"."item" rename to "thing"
-- columns, owner
alter table "t_1"."thing" add column "b" bigint
-- indexes, owner
create index "thing.b.idx" on "t_1"."thing" using btree ("b")`);
  });

  it('locks the table by its new name on the way back', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string' } }, { renamedFrom: 'item' }), {
      nameAfter: 'thing',
    });
    expect(item.plan().inverse).toEqual({
      reversible: 'yes',
      reasons: [],
      steps: [
        {
          phase: 'switch',
          description: 'the table is locked, so that everything below is one moment for everybody else',
          sql: 'lock table "t_1"."thing" in access exclusive mode',
          lock: 'ACCESS EXCLUSIVE',
        },
        {
          phase: 'switch',
          description: '"thing" is renamed to "item": its path changes, its records stay',
          sql: 'alter table "t_1"."thing" rename constraint "thing.pkey" to "item.pkey"',
          lock: 'ACCESS EXCLUSIVE',
        },
        {
          phase: 'switch',
          description: '"thing" is renamed to "item": its path changes, its records stay',
          sql: 'alter table "t_1"."thing" rename constraint "thing.tenant.check" to "item.tenant.check"',
          lock: 'ACCESS EXCLUSIVE',
        },
        {
          phase: 'switch',
          description: '"thing" is renamed to "item": its path changes, its records stay',
          sql: 'alter table "t_1"."thing" rename to "item"',
          lock: 'ACCESS EXCLUSIVE',
        },
      ],
    });
  });

  it('touches no row', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string' } }, { renamedFrom: 'item' }), {
      nameAfter: 'thing',
    });
    expect(item.operation('rename-entity').describe()).toBe('"item" is renamed to "thing": its path changes, its records stay');
    expect(item.operation('rename-entity').risk).toEqual({ level: 'none', reversible: 'yes' });
    expect(item.operation('rename-entity').pointer).toBe('/renamedFrom');
    expect(item.operation('rename-entity').inverse).toEqual({ kind: 'rename-entity' });
  });
});

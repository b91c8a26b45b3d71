import { readCatalog } from './read-catalog.js';

const RAW = {
  table: 'Track',
  rowSecurity: true,
  forced: false,
  columns: [
    [1, 'tenant_id', 'uuid', true, null],
    [2, 'Name', 'text', true, { collation: '"C"', identity: false, generated: false, default: "'x'::text" }],
    [5, 'total', 'bigint', false, { collation: null, identity: false, generated: true, default: '(a + b)' }],
    [6, 'number', 'bigint', true, { collation: null, identity: true, generated: false, default: null }],
  ],
  constraints: [
    constraint({ name: 'b.key', kind: 'u', columns: [2, 1], index: '71', definition: 'UNIQUE ("Name", tenant_id)' }),
    constraint({
      name: 'a.check',
      kind: 'c',
      columns: [2],
      valid: false,
      definition: 'CHECK (("Name" <> \'\'::text)) NOT VALID',
    }),
    constraint({
      name: 'made up by Postgres',
      kind: 'n',
      columns: [1],
      valid: false,
      definition: 'NOT NULL tenant_id NOT VALID',
    }),
    constraint({ name: 'c.fkey', kind: 'f', columns: [5], references: reference({}) }),
    constraint({ name: 'd.fkey', kind: 'f', columns: [5], references: reference({ onDelete: 'n', onUpdate: 'c', match: 'f' }) }),
    constraint({ name: 'e.fkey', kind: 'f', columns: [5], references: reference({ deferrable: true, deferred: true }) }),
  ],
  indexes: [
    index({ id: '71', name: 'b.key', valid: false, columns: [2, 1] }),
    index({
      id: '72',
      name: 'x USING "y',
      columns: [2, 0],
      definition: 'CREATE INDEX "x USING ""y" ON t_a."Track" USING gin ("Name")',
    }),
    index({ id: '73', name: 'u', columns: [2], definition: 'CREATE UNIQUE INDEX u ON "Track" USING btree ("Name" DESC)' }),
  ],
  policies: [
    { name: 'tenant', permissive: true, command: '*', roles: ['tn_b', 'tn_a'], using: '(a = 1)', check: '(b = 2)' },
    { name: 'mine', permissive: false, command: 'a', roles: ['-'], using: null, check: 'true' },
  ],
};

function constraint(rest: object) {
  return { name: '', kind: 'c', valid: true, columns: null, index: null, definition: null, references: null, ...rest };
}

function reference(rest: object) {
  const usual = { onDelete: 'r', onUpdate: 'a', match: 's', deferrable: false, deferred: false };
  return { schema: 't_a', table: 'Album', columns: ['id'], ...usual, ...rest };
}

function index(rest: object) {
  return { valid: true, columns: [], definition: null, ...rest };
}

const [catalog] = readCatalog([[JSON.stringify(RAW)]]);

describe('readCatalog', () => {
  it('reads the rows of both kinds of transaction alike', () => {
    expect(readCatalog([{ catalog: JSON.stringify(RAW) }])).toEqual([catalog]);
    expect(readCatalog([])).toEqual([]);
  });

  it('says of a column what no column of the store has, and calls NOT NULL only what was checked', () => {
    expect(catalog?.columns).toEqual([
      { name: 'tenant_id', type: 'uuid', notNull: false },
      { name: 'Name', type: `text collate "C" default 'x'::text`, notNull: true },
      { name: 'total', type: 'bigint generated always as ((a + b))', notNull: false },
      { name: 'number', type: 'bigint generated as identity', notNull: true },
    ]);
  });

  it('calls a constraint invalid that was not checked, or whose index is not in use', () => {
    const { constraints } = catalog!;
    expect(constraints.map(({ name, valid }) => `${name} ${valid}`)).toEqual([
      ...['a.check false', 'b.key false', 'c.fkey true', 'd.fkey true', 'e.fkey true'],
    ]);
    expect(constraints[1]?.columns).toEqual(['Name', 'tenant_id']);
  });

  it('spells a foreign key as the store does, and then whatever the store never says', () => {
    const begin = 'foreign key ("total") references "t_a"."Album" ("id") on delete';
    const keys = catalog!.constraints.filter(({ kind }) => kind === 'foreign key');
    expect(keys.map(({ definition }) => definition)).toEqual([
      `${begin} restrict`,
      `${begin} set null on update cascade match full`,
      `${begin} restrict deferrable initially deferred`,
    ]);
    expect(keys[0]?.references).toEqual({ table: 'Album', columns: ['id'] });
  });

  it('lists only indexes that belong to no constraint, by what follows USING, however they are named', () => {
    expect(catalog?.indexes).toEqual([
      { name: 'u', valid: true, definition: 'unique btree ("Name" DESC)', columns: ['Name'] },
      { name: 'x USING "y', valid: true, definition: 'gin ("Name")', columns: ['Name'] },
    ]);
  });

  it('puts a policy into one text, everybody by name', () => {
    expect(catalog?.policies).toEqual([
      { name: 'mine', definition: 'as restrictive for insert to public with check true' },
      { name: 'tenant', definition: 'as permissive for all to tn_a, tn_b using (a = 1) with check (b = 2)' },
    ]);
    expect([catalog?.rowSecurity, catalog?.forced]).toEqual([true, false]);
  });

  it('reads a table with nothing in it', () => {
    const empty = {
      table: 'e',
      rowSecurity: false,
      forced: false,
      columns: null,
      constraints: null,
      indexes: null,
      policies: null,
    };
    expect(readCatalog([[JSON.stringify(empty)]])).toEqual([
      { ...empty, columns: [], constraints: [], indexes: [], policies: [] },
    ]);
  });
});

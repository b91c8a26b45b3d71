import { type Entity, KEEPS_NOTHING, type Property } from '../entity.js';
import { fingerprint, type TableCatalog } from './catalog.js';
import { driftBetween } from './drift.js';
import { type TableShape, tableShape } from './shape.js';

/** The documented table is made by hand here; that Postgres really prints this is proven where there is one. */
const flags = { required: true, nullable: false, checks: [], immutable: false, readOnly: false, writeOnly: false };
const name: Property = { name: 'Name', column: 'Name', type: 'text', ...flags };
const albumId: Property = {
  ...{ name: 'AlbumId', column: 'AlbumId', type: 'bigint' as const, ...flags, required: false },
  relation: { entity: 'Album', field: 'id', onDelete: 'restrict' },
};
const track: Entity = {
  ...{ name: 'Track', table: 'Track', properties: [name, albumId], keepsExtras: true, document: {} },
  ...{ uniqueKeys: [], indexes: [], concurrency: 'optional' as const, keeps: KEEPS_NOTHING },
};
const home = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };
const SHAPE: TableShape = tableShape(home, track, () => ({ ...track, name: 'Album', table: 'Album' }));

const FOREIGN_KEY = 'foreign key ("AlbumId") references "t_a"."Album" ("id") on delete restrict';
const NAME = { name: 'Name', type: 'text', notNull: true };
const PKEY = { name: 'Track.pkey', kind: 'primary key', valid: true, definition: 'PRIMARY KEY (id)', columns: ['id'] } as const;
const PIN = {
  name: 'Track.tenant.check',
  kind: 'check',
  valid: true,
  definition: 'CHECK ((a))',
  columns: ['tenant_id'],
} as const;
const FKEY = {
  ...{ name: 'Track.AlbumId.fkey', kind: 'foreign key' as const, valid: true, definition: FOREIGN_KEY, columns: ['AlbumId'] },
  references: { table: 'Album', columns: ['id'] },
};
const INDEX = { name: 'Track.AlbumId.fkey_idx', valid: true, definition: 'btree ("AlbumId")', columns: ['AlbumId'] };
const POLICY = { name: 'tenant', definition: 'as permissive for all to tn_a using (a) with check (a)' };

/** As a scratch table has it: without foreign keys. */
const EXPECTED: TableCatalog = {
  table: 'Track',
  columns: [{ name: 'id', type: 'uuid', notNull: true }, NAME, { name: 'AlbumId', type: 'bigint', notNull: false }],
  constraints: [PKEY, PIN],
  indexes: [INDEX],
  rowSecurity: true,
  forced: true,
  policies: [POLICY],
};
const ACTUAL: TableCatalog = { ...EXPECTED, constraints: [PKEY, PIN, FKEY] };

const drifts = (actual: Partial<TableCatalog> | undefined, retained: readonly string[] = []) =>
  driftBetween(SHAPE, EXPECTED, actual && { ...ACTUAL, ...actual }, new Set(retained)).map(
    ({ kind, object, name }) => `${kind} ${object} ${name}`,
  );

const messages = (actual: Partial<TableCatalog>) =>
  driftBetween(SHAPE, EXPECTED, { ...ACTUAL, ...actual }, new Set()).map(({ message }) => message);

const withConstraint = (rest: object) => ({ constraints: [...ACTUAL.constraints, { ...PIN, ...rest }] });

describe('driftBetween', () => {
  it('finds nothing in a table as its document says, in whatever order its columns are', () => {
    expect(drifts({})).toEqual([]);
    expect(drifts({ columns: [...ACTUAL.columns].reverse() })).toEqual([]);
  });

  it('finds nothing but the table missing where there is none', () => {
    expect(drifts(undefined)).toEqual(['missing table Track']);
  });

  it('finds each object that is gone', () => {
    expect(drifts({ columns: ACTUAL.columns.slice(0, 2) })).toEqual(['missing column AlbumId']);
    expect(drifts({ constraints: [] })).toEqual([PKEY, PIN, FKEY].map((constraint) => `missing constraint ${constraint.name}`));
    expect(drifts({ indexes: [] })).toEqual(['missing index Track.AlbumId.fkey_idx']);
    expect(drifts({ policies: [] })).toEqual(['missing policy tenant']);
    expect(drifts({ rowSecurity: false, forced: false })).toEqual(['missing row security Track', 'different row security Track']);
  });

  it('finds each object that is another', () => {
    const column = (rest: object) => drifts({ columns: ACTUAL.columns.map((old) => (old === NAME ? { ...old, ...rest } : old)) });
    expect([column({ type: 'text default 1' }), column({ notNull: false })]).toEqual([
      ['different column Name'],
      ['different column Name'],
    ]);
    expect(drifts({ constraints: [PKEY, { ...PIN, definition: 'CHECK ((b))' }, FKEY] })).toEqual([
      'different constraint Track.tenant.check',
    ]);
    const cascading = { ...FKEY, definition: FOREIGN_KEY.replace('restrict', 'cascade') };
    expect(drifts({ constraints: [PKEY, PIN, cascading] })).toEqual(['different constraint Track.AlbumId.fkey']);
    expect(drifts({ indexes: [{ ...INDEX, definition: 'unique btree ("AlbumId")' }] })).toEqual([
      'different index Track.AlbumId.fkey_idx',
    ]);
    expect(drifts({ policies: [{ ...POLICY, definition: POLICY.definition.replace('tn_a', 'public') }] })).toEqual([
      'different policy tenant',
    ]);
  });

  it('tells a constraint that was never checked from one that says something else', () => {
    const unchecked = (definition: string) => drifts({ constraints: [PKEY, { ...PIN, valid: false, definition }, FKEY] });
    expect(unchecked('CHECK ((a)) NOT VALID')).toEqual(['invalid constraint Track.tenant.check']);
    expect(unchecked('CHECK ((a)) NOT ENFORCED')).toEqual(['invalid constraint Track.tenant.check']);
    expect(unchecked('CHECK ((b)) NOT VALID')).toEqual(['different constraint Track.tenant.check']);
    expect(drifts({ indexes: [{ ...INDEX, valid: false }] })).toEqual(['invalid index Track.AlbumId.fkey_idx']);
  });

  it('finds what is not in the document', () => {
    expect(drifts({ columns: [...ACTUAL.columns, { ...NAME, name: 'mine' }] })).toEqual(['unexpected column mine']);
    expect(drifts(withConstraint({ name: 'mine' }))).toEqual(['unexpected constraint mine']);
    expect(drifts({ indexes: [INDEX, { ...INDEX, name: 'mine' }] })).toEqual(['unexpected index mine']);
    expect(drifts({ policies: [POLICY, { ...POLICY, name: 'mine' }] })).toEqual(['unexpected policy mine']);
  });

  it('knows what an unfinished change left, whatever state it is in', () => {
    expect(drifts({ columns: [...ACTUAL.columns, { ...NAME, name: 'Name~new' }] })).toEqual(['unfinished column Name~new']);
    expect(drifts(withConstraint({ name: 'x~new', valid: false }))).toEqual(['unfinished constraint x~new']);
    expect(drifts({ indexes: [INDEX, { ...INDEX, name: 'x~new', valid: false }] })).toEqual(['unfinished index x~new']);
  });

  it('lets a declared property be guarded, by a check that holds, and no other', () => {
    expect(drifts(withConstraint({ name: '_extra.Track.Name.check' }))).toEqual([]);
    expect(drifts(withConstraint({ name: '_extra.Track.Name.check', valid: false }))).toEqual([
      'invalid constraint _extra.Track.Name.check',
    ]);
    expect(drifts(withConstraint({ name: '_extra.Track.Name.check', kind: 'unique' }))).toHaveLength(1);
    expect(drifts(withConstraint({ name: '_extra.Track.gone.check' }))).toEqual([
      'unexpected constraint _extra.Track.gone.check',
    ]);
  });

  it('lets hidden columns be, as long as they are there and refuse no record', () => {
    const hidden = (notNull: boolean) => ({ columns: [...ACTUAL.columns, { name: '~2~old', type: 'text', notNull }] });
    expect(drifts(hidden(false), ['~2~old'])).toEqual([]);
    expect(drifts(hidden(true), ['~2~old'])).toEqual(['unexpected column ~2~old']);
    expect(drifts(hidden(false))).toEqual(['unexpected column ~2~old']);
    expect(drifts({}, ['~2~old'])).toEqual(['missing column ~2~old']);
  });

  it('says where long definitions part, and shows nothing that could mislead a reader', () => {
    const long = `foreign key (${'x'.repeat(200)}`;
    const [message] = messages({ constraints: [PKEY, { ...PIN, definition: `CHECK ((a\u202e${long}` }, FKEY] });
    expect(message).toContain('reads "CHECK ((a\\u{202e}foreign key');
    expect(message).not.toContain('\u202e');
    expect(message?.length).toBeLessThan(400);
  });

  it('explains each in one sentence that ends with what to do', () => {
    const all = [
      ...messages({ columns: [], constraints: [], indexes: [], policies: [], rowSecurity: false, forced: false }),
      ...messages({ columns: [...ACTUAL.columns, { ...NAME, name: 'mine' }], indexes: [INDEX, { ...INDEX, name: 'mine' }] }),
    ];
    expect(all.length).toBeGreaterThan(9);
    for (const message of all) expect(message).toMatch(/^(the|row level) [^;]+: [^;]+; [^;]+[^.]$/);
  });
});

describe('fingerprint', () => {
  it('does not count the order of columns', () => {
    expect(fingerprint({ ...ACTUAL, columns: [...ACTUAL.columns].reverse() })).toBe(fingerprint(ACTUAL));
    expect(fingerprint(ACTUAL)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, Partial<TableCatalog>]>([
    ['the name', { table: 'track' }],
    ['a column more', { columns: [...ACTUAL.columns, { ...NAME, name: 'x' }] }],
    ['a type', { columns: [{ ...NAME, type: 'bigint' }, ...ACTUAL.columns.slice(1)] }],
    ['NOT NULL', { columns: ACTUAL.columns.map((column) => ({ ...column, notNull: false })) }],
    ['a constraint less', { constraints: [PKEY, PIN] }],
    ['validity', { constraints: [PKEY, { ...PIN, valid: false }, FKEY] }],
    ['a definition', { constraints: [PKEY, { ...PIN, definition: 'CHECK ((b))' }, FKEY] }],
    ['an index', { indexes: [{ ...INDEX, valid: false }] }],
    ['row security', { rowSecurity: false }],
    ['force', { forced: false }],
    ['a policy', { policies: [] }],
  ])('changes with %s', (_what, rest) => {
    expect(fingerprint({ ...ACTUAL, ...rest })).not.toBe(fingerprint(ACTUAL));
  });
});

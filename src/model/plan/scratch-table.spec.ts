import { type Entity, KEEPS_NOTHING, type Property } from '../entity.js';
import type { TableCatalog } from './catalog.js';
import { catalogFromScratch, scratchTable } from './scratch-table.js';
import { tableShape } from './shape.js';

const home = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };
const flags = { nullable: false, immutable: false, readOnly: false, writeOnly: false };
const properties: Property[] = [
  { ...flags, name: 'Name', column: 'Name', type: 'text', required: true, checks: [{ kind: 'maxLength', length: 9 }] },
  {
    ...{ ...flags, name: 'Parent', column: 'Parent', type: 'uuid', required: false, checks: [] },
    relation: { entity: 'Track', field: 'id', onDelete: 'cascade' },
  },
];
const track: Entity = {
  ...{
    name: 'Track',
    table: 'Track',
    properties,
    keepsExtras: true,
    concurrency: 'optional',
    keeps: KEEPS_NOTHING,
    document: {},
  },
  uniqueKeys: [{ name: 'Track.Name.key', properties: ['Name'] }],
  indexes: [{ name: 'Track.Name.idx', method: 'btree', fields: [{ property: 'Name', descending: true }] }],
};
const shape = tableShape(home, track, () => undefined);

describe('scratchTable', () => {
  it('makes the whole table under numbered names, and no foreign key, which would lock another', () => {
    const pin = `tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid`;
    const own = `${pin} and (select bss.tenant()) = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid`;
    expect(scratchTable(home, track, shape, '~s')).toEqual([
      `create table "t_a"."~s" (
  "tenant_id" uuid not null,
  "id" uuid not null,
  "Name" text not null,
  "Parent" uuid,
  "_extra" jsonb,
  "created_at" timestamptz not null,
  "updated_at" timestamptz not null,
  "created_by" text not null,
  "updated_by" text not null,
  "revision" bigint not null,
  constraint "~s.c0" primary key (id),
  constraint "~s.c1" check (${pin}),
  constraint "~s.c2" check (char_length("Name") <= 9),
  constraint "~s.c3" unique ("Name")
)`,
      'create index "~s.i0" on "t_a"."~s" using btree ("Name" desc)',
      'create index "~s.i1" on "t_a"."~s" using btree ("Parent")',
      'alter table "t_a"."~s" enable row level security',
      'alter table "t_a"."~s" force row level security',
      `create policy tenant on "t_a"."~s" as permissive for all to "tn_a"
  using (${own})
  with check (${own})`,
    ]);
  });
});

describe('catalogFromScratch', () => {
  it('gives everything the name it has in the table itself', () => {
    const named = <T extends object>(name: string, rest: T) => ({ name, valid: true, definition: name, columns: [], ...rest });
    const scratch: TableCatalog = {
      ...{ table: '~s', columns: [], rowSecurity: true, forced: true, policies: [] },
      constraints: ['~s.c0', '~s.c1', '~s.c2', '~s.c3'].map((name) => named(name, { kind: 'check' as const })),
      indexes: ['~s.i0', '~s.i1'].map((name) => named(name, {})),
    };
    const { table, constraints, indexes } = catalogFromScratch(shape, scratch);
    expect(table).toBe('Track');
    expect([...constraints, ...indexes].map(({ name, definition }) => `${definition} ${name}`)).toEqual([
      ...['~s.c2 Track.Name.length.check', '~s.c0 Track.pkey', '~s.c3 Track.Name.key', '~s.c1 Track.tenant.check'].sort((a, b) =>
        a.slice(6) < b.slice(6) ? -1 : 1,
      ),
      ...['~s.i0 Track.Name.idx', '~s.i1 Track.Parent.fkey_idx'],
    ]);
  });
});

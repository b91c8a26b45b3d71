import { type Entity, KEEPS_NOTHING, type Property, type TenantHome } from '../entity.js';
import { createTable } from './create-table.js';

const home: TenantHome = {
  tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  schema: 't_k3x9',
  role: 'tn_k3x9',
  ownerRole: 'own_k3x9',
};

function property(name: string, rest: Partial<Property>): Property {
  return {
    name,
    column: name,
    type: 'text',
    required: false,
    nullable: false,
    checks: [],
    immutable: false,
    readOnly: false,
    writeOnly: false,
    ...rest,
  };
}

function entity(rest: Partial<Entity>): Entity {
  return {
    name: 'parcel',
    table: 'parcel',
    properties: [],
    keepsExtras: true,
    uniqueKeys: [],
    indexes: [],
    concurrency: 'optional',
    keeps: KEEPS_NOTHING,
    document: {},
    ...rest,
  };
}

describe('createTable', () => {
  it('writes not null only for a property that is required and not nullable', () => {
    const [table] = createTable(
      home,
      entity({
        properties: [
          property('required', { required: true }),
          property('requiredOrNull', { required: true, nullable: true }),
          property('optional', {}),
          property('optionalOrNull', { nullable: true }),
        ],
      }),
    );
    expect(table?.split('\n').slice(3, 7)).toEqual([
      '  "required" text not null,',
      '  "requiredOrNull" text,',
      '  "optional" text,',
      '  "optionalOrNull" text,',
    ]);
  });

  it('never lets numeric(p) round fractions away: a modifier needs both numbers', () => {
    const [table] = createTable(
      home,
      entity({
        properties: [
          property('both', { type: 'numeric', precision: 12, scale: 2 }),
          property('precisionOnly', { type: 'numeric', precision: 12 }),
          property('scaleOnly', { type: 'numeric', scale: 2 }),
        ],
      }),
    );
    expect(table?.split('\n').slice(3, 6)).toEqual([
      '  "both" numeric(12,2),',
      '  "precisionOnly" numeric,',
      '  "scaleOnly" numeric,',
    ]);
  });

  it('quotes every name and every literal it is given', () => {
    const hostile = createTable(
      { ...home, schema: 't"; drop schema bss; --', role: 'tn"x', tenantId: "x'::uuid) or true --" },
      entity({
        table: 'p"; drop table q; --',
        properties: [property('c', { column: 'c" text); --', checks: [{ kind: 'oneOf', values: ["'); drop table q; --"] }] })],
      }),
    );
    expect(hostile[0]).toContain('create table "t""; drop schema bss; --"."p""; drop table q; --" (');
    expect(hostile[0]).toContain('  "c"" text); --" text,');
    expect(hostile[2]).toContain("check (tenant_id = 'x''::uuid) or true --'::uuid)");
    expect(hostile[3]).toContain(`check ("c"" text); --" in ('''); drop table q; --'))`);
    expect(hostile.at(-1)).toContain('to "tn""x"');
  });

  it('grants the tenant role exactly four verbs, last, when every lock is on', () => {
    const statements = createTable(home, entity({ properties: [property('code', {})] }));
    const grants = statements.filter((sql) => sql.startsWith('grant'));
    expect(grants).toEqual([statements.at(-1)]);
    expect(grants).toEqual(['grant select, insert, update, delete on table "t_k3x9"."parcel" to "tn_k3x9"']);
  });

  it('is this SQL, for an entity with every type', () => {
    const parcel = entity({
      properties: [
        property('code', {
          required: true,
          checks: [
            { kind: 'minLength', length: 1 },
            { kind: 'maxLength', length: 40 },
          ],
        }),
        property('status', {
          column: 'Status',
          checks: [{ kind: 'oneOf', values: ["it's", 'back\\slash', '$$ body $$', '"quoted"', 'żółć'] }],
        }),
        property('key', { type: 'uuid', required: true }),
        property('shippedOn', { type: 'date' }),
        property('seenAt', { type: 'timestamptz' }),
        property('localTime', { type: 'timestamp' }),
        property('opens', { type: 'time' }),
        property('address', { type: 'inet' }),
        property('label', { type: 'bytea' }),
        property('price', { type: 'numeric', precision: 10, scale: 2, required: true }),
        property('pieces', {
          type: 'bigint',
          checks: [
            { kind: 'minimum', bound: 0 },
            { kind: 'exclusiveMaximum', bound: 1e21 },
          ],
        }),
        property('weight', { type: 'double precision', checks: [{ kind: 'exclusiveMinimum', bound: 1e-7 }] }),
        property('fragile', { type: 'boolean', required: true }),
        property('notes', { type: 'jsonb' }),
      ],
      uniqueKeys: [
        { name: 'parcel.code.key', properties: ['code'] },
        { name: 'parcel.key.shippedOn.key', properties: ['key', 'shippedOn'] },
      ],
      indexes: [
        {
          name: 'parcel.Status.created_at.idx',
          method: 'btree',
          fields: [
            { property: 'status', descending: false },
            { property: 'created_at', descending: true },
          ],
        },
        { name: 'parcel.notes.idx', method: 'gin', fields: [{ property: 'notes', descending: false }] },
      ],
    });
    expect(`${createTable(home, parcel).join(';\n')};\n`).toBe(`create table "t_k3x9"."parcel" (
  tenant_id uuid not null,
  id uuid not null,
  "code" text not null,
  "Status" text,
  "key" uuid not null,
  "shippedOn" date,
  "seenAt" timestamptz,
  "localTime" timestamp,
  "opens" time,
  "address" inet,
  "label" bytea,
  "price" numeric(10,2) not null,
  "pieces" bigint,
  "weight" double precision,
  "fragile" boolean not null,
  "notes" jsonb,
  _extra jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  created_by text not null,
  updated_by text not null,
  revision bigint not null
);
alter table "t_k3x9"."parcel" add constraint "parcel.pkey" primary key (id);
alter table "t_k3x9"."parcel" add constraint "parcel.tenant.check" check (tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid);
alter table "t_k3x9"."parcel" add constraint "parcel.code.length.check" check (char_length("code") >= 1 and char_length("code") <= 40);
alter table "t_k3x9"."parcel" add constraint "parcel.Status.values.check" check ("Status" in ('it''s', E'back\\\\slash', '$$ body $$', '"quoted"', 'żółć'));
alter table "t_k3x9"."parcel" add constraint "parcel.price.range.check" check ("price" > '-Infinity' and "price" < 'Infinity');
alter table "t_k3x9"."parcel" add constraint "parcel.pieces.range.check" check ("pieces" >= 0 and "pieces" < 1e+21);
alter table "t_k3x9"."parcel" add constraint "parcel.weight.range.check" check ("weight" > '-Infinity' and "weight" < 'Infinity' and "weight" > 1e-7);
alter table "t_k3x9"."parcel" add constraint "parcel.code.key" unique ("code");
alter table "t_k3x9"."parcel" add constraint "parcel.key.shippedOn.key" unique ("key", "shippedOn");
create index "parcel.Status.created_at.idx" on "t_k3x9"."parcel" using btree ("Status", "created_at" desc);
create index "parcel.notes.idx" on "t_k3x9"."parcel" using gin ("notes");
alter table "t_k3x9"."parcel" enable row level security;
alter table "t_k3x9"."parcel" force row level security;
create policy tenant on "t_k3x9"."parcel" as permissive for all to "tn_k3x9"
  using (tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid and (select bss.tenant()) = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid)
  with check (tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid and (select bss.tenant()) = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid);
grant select, insert, update, delete on table "t_k3x9"."parcel" to "tn_k3x9";
`);
  });
});

import { conflictKeyOf } from './conflict-key.js';
import { HOME, PRICE, WRITER } from './statements.fixture.js';
import { type UpsertRecord, upsertStatements } from './upsert-statements.js';

const BY_SKU_AND_AMOUNT = {
  members: [
    { name: 'sku', column: 'sku', sqlType: 'text', at: 0 },
    { name: 'amount', column: 'amount', sqlType: 'numeric(10,2)', at: 1 },
  ],
};
const columns = { lock: ['id', '_extra'], change: ['id', 'revision'] };
const upsert = upsertStatements(HOME, PRICE, BY_SKU_AND_AMOUNT, columns, (text) => `n${text.length}`);
const record = (n: number, revision: number): UpsertRecord => ({
  ...{
    id: `id-${n}`,
    eventId: `ev-${n}`,
    body: '{"after":{}}',
    openings: null,
    extra: null,
    columns: ['a"b', null, '[1]'],
    revision,
  },
});

describe('conflictKeyOf', () => {
  it('refuses what is no key and names those there are', () => {
    expect(() => conflictKeyOf(PRICE, ['sku'], 'on_conflict')).toThrow('"sku" is no unique key of "Price", whose keys are "id"');
    expect(() => conflictKeyOf(PRICE, ['id', 'sku'], 'on_conflict')).toThrow('is no unique key');
  });

  it('is the id, or a unique key whatever the order of its members', () => {
    const entity = { ...PRICE, uniqueKeys: [{ name: 'k', properties: ['sku', 'amount'] }] };
    expect(conflictKeyOf(entity, ['amount', 'sku'], 'on_conflict')).toEqual(BY_SKU_AND_AMOUNT);
    expect(conflictKeyOf(entity, ['id'], 'on_conflict').members).toEqual([{ name: 'id', column: 'id', sqlType: 'uuid', at: -1 }]);
  });
});

describe('upsertStatements', () => {
  it('locks the records that have the keys, each with the place of its key, in the order of their ids', () => {
    expect(
      upsert.lock([
        ['a', '1.50'],
        ['b"', null],
      ]),
    ).toEqual({
      text: `select input.ordinal, existing."id", existing."_extra"
from unnest($2::text[], $3::numeric(10,2)[])
  with ordinality as input (k0, k1, ordinal)
join "t_k3x9"."Price" as existing
  on existing."sku" = input.k0
  and existing."amount" = input.k1
where existing.tenant_id = $1::uuid
order by existing.id
for update of existing`,
      values: [HOME.tenantId, '{"a","b\\""}', '{"1.50",NULL}'],
      name: expect.stringMatching(/^n\d+$/),
    });
  });

  it('inserts, or writes over exactly the row that was read, and tells of the rows it wrote', () => {
    const { text, values } = upsert.merge([record(1, 1), record(2, 8)], WRITER);
    expect(text).toBe(`with input as materialized (
  select *
  from unnest($5::uuid[], $6::uuid[], $7::text[], $8::jsonb[], $9::bigint[], $10::text[], $11::numeric(10,2)[], $12::jsonb[])
    as record (id, event_id, body, extra, revision, c0, c1, c2)
),
written as (
  insert into "t_k3x9"."Price" as existing
    (tenant_id, id, _extra, "sku", "amount", "tags", created_at, updated_at, created_by, updated_by, revision)
  select $1::uuid, id, extra, c0, c1, c2, now(), now(), $2::text, $2::text, revision
  from input
  on conflict ("sku", "amount") do update
  set _extra = excluded._extra,
      "sku" = excluded."sku",
      "amount" = excluded."amount",
      "tags" = excluded."tags",
      updated_by = excluded.updated_by,
      revision = excluded.revision,
      updated_at = greatest(excluded.updated_at, existing.updated_at)
  where existing.id = excluded.id
    and existing.revision = excluded.revision - 1
  returning "id", "revision"
),
changed as (
  select input.*
  from input
  join written
    on written."id" = input.id
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body)
  select $1::uuid, $2::text, $3::text, $4::text, case when revision = 1 then 'record.created' else 'record.updated' end, event_id, id, body
  from changed
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  select $1::uuid, (array_agg(event_id order by event_id))[1], (array_agg(event_id order by event_id desc))[1], count(*)
  from changed
  having count(*) > 0
)
select "id", "revision"
from written`);
    expect(values).toEqual([
      ...[HOME.tenantId, 'ada', 'req-1', 'Price', '{"id-1","id-2"}', '{"ev-1","ev-2"}'],
      ...['{"{\\"after\\":{}}","{\\"after\\":{}}"}', '{NULL,NULL}', '{"1","8"}'],
      ...['{"a\\"b","a\\"b"}', '{NULL,NULL}', '{"[1]","[1]"}'],
    ]);
  });

  it('leaves what is there alone where it is told to, in a text that is the same otherwise', () => {
    const merge = upsert.merge([record(1, 1)], WRITER);
    const ignore = upsert.ignore([record(1, 1)], WRITER);
    expect(ignore.text).toBe(merge.text.replace(/do update[\s\S]*?- 1\n/, 'do nothing\n'));
    expect([ignore.values, upsert.merge([record(1, 1), record(2, 2)], WRITER).text]).toEqual([merge.values, merge.text]);
    expect(new Set([merge.name, ignore.name]).size).toBe(2);
  });
});

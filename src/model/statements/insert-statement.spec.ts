import { insertStatement, type NewRecord } from './insert-statement.js';
import { HOME, PRICE, WRITER } from './statements.fixture.js';

const insert = insertStatement(HOME, PRICE, ['id', 'revision'], (text) => `n${text.length}`);
const record = (n: number, columns: (string | null)[]): NewRecord => ({
  id: `id-${n}`,
  eventId: `ev-${n}`,
  body: '{"after":{}}',
  openings: null,
  extra: null,
  columns,
});

describe('insertStatement', () => {
  it('writes one record, its event and its marker from one parameter per column', () => {
    const { text, values } = insert([record(1, ['a', null, '[1]'])], { first: 'ev-1', last: 'ev-1', count: 1 }, WRITER);
    expect(text).toBe(`with audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body)
  values ($1::uuid, $2, $3, $4, 'record.created', $9::uuid, $8::uuid, $10::text)
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  values ($1::uuid, $5::uuid, $6::uuid, $7::integer)
)
insert into "t_k3x9"."Price"
  (tenant_id, id, _extra, "sku", "amount", "tags", created_at, updated_at, created_by, updated_by, revision)
values ($1::uuid, $8::uuid, $11::jsonb, $12::text, $13::numeric(10,2), $14::jsonb, now(), now(), $2, $2, 1)
returning "id", "revision"`);
    expect(values).toEqual([
      HOME.tenantId,
      'ada',
      'req-1',
      'Price',
      'ev-1',
      'ev-1',
      '1',
      'id-1',
      'ev-1',
      '{"after":{}}',
      null,
      'a',
      null,
      '[1]',
    ]);
  });

  it('writes many from one array per column, in a text that does not depend on how many', () => {
    const events = { first: 'ev-1', last: 'ev-2', count: 2 };
    const two = insert([record(1, ['a"b', null, '[1]']), record(2, ['c\\d', '1.50', null])], events, WRITER);
    expect(two.text).toBe(`with input as materialized (
  select *
  from unnest($8::uuid[], $9::uuid[], $10::text[], $11::jsonb[], $12::text[], $13::numeric(10,2)[], $14::jsonb[])
    as record (id, event_id, body, extra, c0, c1, c2)
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body)
  select $1::uuid, $2, $3, $4, 'record.created', event_id, id, body
  from input
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  values ($1::uuid, $5::uuid, $6::uuid, $7::integer)
)
insert into "t_k3x9"."Price"
  (tenant_id, id, _extra, "sku", "amount", "tags", created_at, updated_at, created_by, updated_by, revision)
select $1::uuid, id, extra, c0, c1, c2, now(), now(), $2, $2, 1
from input
returning "id", "revision"`);
    expect(two.values.slice(7)).toEqual([
      '{"id-1","id-2"}',
      '{"ev-1","ev-2"}',
      '{"{\\"after\\":{}}","{\\"after\\":{}}"}',
      '{NULL,NULL}',
      '{"a\\"b","c\\\\d"}',
      '{NULL,"1.50"}',
      '{"[1]",NULL}',
    ]);
    const three = insert(
      [record(1, ['a', null, null]), record(2, ['b', null, null]), record(3, ['c', null, null])],
      events,
      WRITER,
    );
    expect([three.text, three.name]).toEqual([two.text, two.name]);
  });
});

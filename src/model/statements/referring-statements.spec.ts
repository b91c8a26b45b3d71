import { readEntity } from '../document/read-entity.js';
import type { Property } from '../entity.js';
import { detachStatement, lockReferringStatement, removeStatement } from './referring-statements.js';
import { HOME, PRICE, WRITER } from './statements.fixture.js';

const OFFER = readEntity('Offer', {
  type: 'object',
  properties: { price: { type: 'string', relation: { entity: 'Price', field: 'sku', onDelete: 'setNull' } } },
});
const [sku, amount] = PRICE.properties as [Property, Property];
const change = (n: number) => ({ id: `id-${n}`, eventId: `ev-${n}`, body: `{"n":${n}}`, openings: null });
const common = [HOME.tenantId, 'ada', 'req-1'];

describe('lockReferringStatement', () => {
  it('locks the records that hold one of the keys, in their tenant and in the order of their ids', () => {
    const lock = lockReferringStatement(HOME, PRICE, sku, ['id', '_extra'], (text) => `n${text.length}`);
    expect(lock(['a', 'b"c'], 5)).toEqual({
      text: `select "id", "_extra"
from "t_k3x9"."Price"
where tenant_id = $1::uuid
  and "sku" = any($2::text[])
order by id
limit $3::integer
for update`,
      values: [HOME.tenantId, '{"a","b\\"c"}', '5'],
      name: 'n141',
    });
  });

  it('does not round a key to the scale of the column it is compared with', () => {
    const lock = lockReferringStatement(HOME, PRICE, amount, ['id'], () => 'n');
    expect(lock(['1.005'], 1).text).toContain('"amount" = any($2::numeric[])');
  });
});

describe('detachStatement', () => {
  it('empties what it is told and nothing else, as a change by the actor, with an event for each record', () => {
    const events = { first: 'ev-1', last: 'ev-2', count: 2 };
    const { text, values } = detachStatement(HOME, PRICE, [sku, amount], [change(1), change(2)], events, WRITER);
    expect(text).toBe(`with input as materialized (
  select *
  from unnest($8::uuid[], $9::uuid[], $10::text[], $11::text[])
    as record (id, event_id, body, openings)
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body, openings)
  select $1::uuid, $2, $3, $4, 'record.updated', event_id, id, body, openings
  from input
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  values ($1::uuid, $5::uuid, $6::uuid, $7::integer)
)
update "t_k3x9"."Price"
set "sku" = null,
    "amount" = null,
    _extra = coalesce(_extra, '{}'::jsonb) || '{"sku":null}'::jsonb,
    updated_at = greatest(now(), updated_at),
    updated_by = $2,
    revision = revision + 1
where tenant_id = $1::uuid
  and id = any($8::uuid[])`);
    expect(values).toEqual([
      ...common,
      'Price',
      'ev-1',
      'ev-2',
      '2',
      '{"id-1","id-2"}',
      '{"ev-1","ev-2"}',
      '{"{\\"n\\":1}","{\\"n\\":2}"}',
      '{NULL,NULL}',
    ]);
  });
});

describe('removeStatement', () => {
  it('deletes the records of all entities at once, with an event for each under the name of its entity', () => {
    const removed = [
      { entity: OFFER, records: [change(1), change(2)] },
      { entity: PRICE, records: [change(3)] },
    ];
    const { text, values } = removeStatement(HOME, removed, { first: 'ev-1', last: 'ev-3', count: 3 }, WRITER);
    expect(text).toBe(`with input as materialized (
  select *
  from unnest($4::text[], $8::uuid[], $9::uuid[], $10::text[], $11::text[])
    as record (entity, id, event_id, body, openings)
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body, openings)
  select $1::uuid, $2, $3, entity, 'record.deleted', event_id, id, body, openings
  from input
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  values ($1::uuid, $5::uuid, $6::uuid, $7::integer)
),
deleted_0 as (
  delete from "t_k3x9"."Offer"
  where tenant_id = $1::uuid
    and id = any($12::uuid[])
),
deleted_1 as (
  delete from "t_k3x9"."Price"
  where tenant_id = $1::uuid
    and id = any($13::uuid[])
)
select`);
    expect(values).toEqual([
      ...common,
      '{"Offer","Offer","Price"}',
      'ev-1',
      'ev-3',
      '3',
      '{"id-1","id-2","id-3"}',
      '{"ev-1","ev-2","ev-3"}',
      '{"{\\"n\\":1}","{\\"n\\":2}","{\\"n\\":3}"}',
      '{NULL,NULL,NULL}',
      '{"id-1","id-2"}',
      '{"id-3"}',
    ]);
  });
});

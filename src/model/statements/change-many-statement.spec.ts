import type { Condition } from '../query/ast.js';
import { changeManyStatement, lockFoundStatement } from './change-many-statement.js';
import { HOME, PRICE, WRITER } from './statements.fixture.js';

const isA: Condition = {
  ...{ kind: 'compare', not: false, operator: 'eq', operand: "a'; --" },
  value: { kind: 'field', field: { name: 'sku', column: 'sku', type: 'text' }, type: 'text' },
};

describe('lockFoundStatement', () => {
  it('locks what the conditions find, in its tenant and in the order of the ids, no more than it is told', () => {
    const found = { entity: PRICE, where: [isA, { kind: 'or', not: false, terms: [isA, isA] } as const] };
    expect(lockFoundStatement(HOME, found, ['id', '_extra'], 11)).toEqual({
      text: `select found."id", found."_extra"
from "t_k3x9"."Price" as found
where found.tenant_id = $1
  and found."sku" = $2::text
  and (found."sku" = $3::text or found."sku" = $4::text)
order by found.id
limit $5::bigint
for update of found`,
      values: [HOME.tenantId, "a'; --", "a'; --", "a'; --", '11'],
    });
  });
});

describe('changeManyStatement', () => {
  const change = changeManyStatement(HOME, PRICE, ['id', 'revision'], (text) => `n${text.length}`);
  const record = (n: number) => ({
    ...{ id: `id-${n}`, eventId: `ev-${n}`, body: `{"n":${n}}`, openings: null, extra: null, columns: ['a', null, '[1]'] },
  });

  it('gives each record what it is to hold, with an event for each', () => {
    const { text, values } = change([record(1), record(2)], { first: 'ev-1', last: 'ev-2', count: 2 }, WRITER);
    expect(text).toBe(`with input as materialized (
  select *
  from unnest($8::uuid[], $9::uuid[], $10::text[], $11::jsonb[], $12::text[], $13::numeric(10,2)[], $14::jsonb[])
    as record (id, event_id, body, extra, c0, c1, c2)
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body)
  select $1::uuid, $2, $3, $4, 'record.updated', event_id, id, body
  from input
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  values ($1::uuid, $5::uuid, $6::uuid, $7::integer)
)
update "t_k3x9"."Price" as found
set "sku" = input.c0,
    "amount" = input.c1,
    "tags" = input.c2,
    _extra = input.extra,
    updated_at = greatest(now(), found.updated_at),
    updated_by = $2,
    revision = found.revision + 1
from input
where found.tenant_id = $1::uuid
  and found.id = input.id
returning found."id", found."revision"`);
    expect(values).toEqual([
      ...[HOME.tenantId, 'ada', 'req-1', 'Price', 'ev-1', 'ev-2', '2', '{"id-1","id-2"}', '{"ev-1","ev-2"}'],
      ...['{"{\\"n\\":1}","{\\"n\\":2}"}', '{NULL,NULL}', '{"a","a"}', '{NULL,NULL}', '{"[1]","[1]"}'],
    ]);
  });

  it('has one text for one record and for many', () => {
    const one = change([record(1)], { first: 'ev-1', last: 'ev-1', count: 1 }, WRITER);
    const two = change([record(1), record(2)], { first: 'ev-1', last: 'ev-2', count: 2 }, WRITER);
    expect([one.text, one.name]).toEqual([two.text, two.name]);
  });
});

import { HOME, PRICE, WRITER } from './statements.fixture.js';
import { upsertOneStatements } from './upsert-one-statements.js';

const BY_SKU_AND_AMOUNT = {
  members: [
    { name: 'sku', column: 'sku', sqlType: 'text', at: 0 },
    { name: 'amount', column: 'amount', sqlType: 'numeric(10,2)', at: 1 },
  ],
};
const columns = { lock: ['id', '_extra'], change: ['id', 'revision'] };
const one = upsertOneStatements(HOME, PRICE, BY_SKU_AND_AMOUNT, columns, (text) => `n${text.length}`);

describe('upsertOneStatements', () => {
  it('locks the record that has the key', () => {
    expect(one.lock(['a', '1.50'])).toEqual({
      text: `select "id", "_extra"
from "t_k3x9"."Price"
where tenant_id = $1::uuid
  and "sku" = $2::text
  and "amount" = $3::numeric(10,2)
for update`,
      values: [HOME.tenantId, 'a', '1.50'],
      name: expect.stringMatching(/^n\d+$/),
    });
  });

  it('adds a record unless there is one, and tells of it only where it was added', () => {
    const record = {
      id: 'id-1',
      eventId: 'ev-1',
      body: '{"after":{}}',
      openings: null,
      extra: null,
      columns: ['a', '1.50', null],
    };
    const { text, values } = one.add(record, WRITER);
    expect(text).toBe(`with written as (
  insert into "t_k3x9"."Price"
    (tenant_id, id, _extra, "sku", "amount", "tags", created_at, updated_at, created_by, updated_by, revision)
  values ($1::uuid, $8::uuid, $10::jsonb, $11::text, $12::numeric(10,2), $13::jsonb, now(), now(), $2, $2, 1)
  on conflict ("sku", "amount") do nothing
  returning "id", "revision"
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body)
  select $1::uuid, $2, $3, $4, 'record.created', $5::uuid, id, $9::text
  from written
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  select $1::uuid, $5::uuid, $6::uuid, $7::integer
  from written
)
select "id", "revision"
from written`);
    const { subject, requestId } = WRITER;
    expect(values).toEqual([
      ...[HOME.tenantId, subject, requestId, 'Price', 'ev-1', 'ev-1', '1'],
      ...['id-1', '{"after":{}}', null, 'a', '1.50', null],
    ]);
  });
});

import { changeStatements } from './change-statements.js';
import { HOME, PRICE, WRITER } from './statements.fixture.js';

const columns = { lock: ['id', 'sku', '_extra'], change: ['id', 'revision'] };
const change = changeStatements(HOME, PRICE, columns, (text) => `n${text.length}`);
const event = { eventId: 'ev-1', body: '{"before":{}}', openings: null };

describe('changeStatements', () => {
  it('locks the row it reads, in its tenant', () => {
    expect(change.lock('id-1')).toEqual({
      text: `select "id", "sku", "_extra"
from "t_k3x9"."Price"
where tenant_id = $1::uuid
  and id = $2::uuid
for update`,
      values: [HOME.tenantId, 'id-1'],
      name: 'n108',
    });
  });

  it('updates every column, and tells the trail of exactly the row it changed', () => {
    const { text, values } = change.update('id-1', ['a', null, '[1]'], '{"x":1}', event, WRITER);
    expect(text).toBe(`with updated as (
  update "t_k3x9"."Price"
  set "sku" = $10::text,
      "amount" = $11::numeric(10,2),
      "tags" = $12::jsonb,
      _extra = $13::jsonb,
      updated_at = greatest(now(), updated_at),
      updated_by = $2,
      revision = revision + 1
  where tenant_id = $1::uuid
    and id = $8::uuid
  returning "id", "revision"
),
audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body)
  select $1::uuid, $2, $3, $4, 'record.updated', $5::uuid, id, $9
  from updated
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  select $1::uuid, $5::uuid, $6::uuid, $7::integer
  from updated
)
select "id", "revision"
from updated`);
    expect(values).toEqual([
      HOME.tenantId,
      'ada',
      'req-1',
      'Price',
      'ev-1',
      'ev-1',
      '1',
      'id-1',
      '{"before":{}}',
      'a',
      null,
      '[1]',
      '{"x":1}',
    ]);
  });

  it('deletes with the same care', () => {
    const { text } = change.delete('id-1', event, WRITER);
    expect(text).toContain(`with deleted as (
  delete from "t_k3x9"."Price"
  where tenant_id = $1::uuid
    and id = $8::uuid
  returning "id", "revision"
)`);
    expect(text).toContain("'record.deleted'");
  });
});

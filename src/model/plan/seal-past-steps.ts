import { qualified, tableRef } from '../ddl/table-ref.js';
import { quoteIdent } from '../sql.js';
import type { PastBatch } from './batches.js';
import type { Step } from './operation.js';
import type { Transition } from './transition.js';

/**
 * When the change is in force: nothing is kept in plain text any more by then. Whoever has not heard of it names a column that is gone
 * from the table of the records (SQLSTATE 42703), in the very statement that would keep the row. So each row is found by one look at all,
 * and a change that is called off before has touched nothing of the past.
 */
export function sealPastSteps(t: Transition): Step[] {
  return t.past.map((table) => {
    const past = pastBatch(t, qualified(t.home, table));
    const sql = `${past.read};
-- the service encrypts what it has read, and stores it where it is still in plain text
${past.write}`;
    return { stage: 'past', work: 'update', as: 'service', lock: 'none', sql, past };
  });
}

function pastBatch({ home, after }: Transition, table: string): PastBatch {
  const subject = after.properties.find(({ name }) => name === after.subject);
  const subjectNow = subject
    ? `(
    select live.${quoteIdent(subject.column)}::text
    from ${tableRef(home, after)} as live
    where live.tenant_id = $1::uuid
      and live.id = kept.id
  )`
    : 'null';
  const read = `select id, ended_at, revision, version, body ->> ($6::jsonb ->> version::text), ${subjectNow}, (
    select jsonb_object_agg(plain.name, body -> plain.name)
    from jsonb_array_elements_text($5::jsonb -> version::text) as plain (name)
    where body ? plain.name
  )
from ${table} as kept
where tenant_id = $1::uuid
  and (id, ended_at, revision) > ($2::uuid, $3::timestamptz, $4::bigint)
  and body ?| array(select jsonb_array_elements_text($5::jsonb -> version::text))
order by id, ended_at, revision
limit $7::bigint`;
  // What is there in plain text never becomes another: whoever renews other cells of the row meanwhile is waited for, and leaves it alone.
  const write = `update ${table} as held
set body = (held.body - array(select jsonb_array_elements_text(input."~plain"))) || input."~cells"
from unnest($2::uuid[], $3::timestamptz[], $4::bigint[], $5::jsonb[], $6::jsonb[])
  as input ("~id", "~ended", "~revision", "~plain", "~cells")
where held.tenant_id = $1::uuid
  and held.id = input."~id"
  and held.ended_at = input."~ended"
  and held.revision = input."~revision"
  and held.body ?& array(select jsonb_array_elements_text(input."~plain"))`;
  return { table, read, write };
}

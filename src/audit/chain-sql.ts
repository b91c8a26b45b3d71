import type { Statement } from '../model/sql.js';

/** What is read of a tenant's chain, as that tenant. */

export const PROOFS_AT_ONCE = 200;

/** Events looked at in one statement for whether they are sealed. */
const LOOKED_AT_ONCE = 2_000;

/** How long an event may be unsealed before somebody has to look. */
const PATIENCE = "interval '1 minute'";

/** seq, hash, anchor seq, anchor hash, before when all has ended, hash of the event before `from`; no row: nothing is sealed. */
export function chainHead(tenantId: string, from: number): Statement {
  return {
    text: `select h.seq, encode(h.hash, 'hex'), h.anchor_seq, encode(h.anchor_hash, 'hex'),
  to_char(h.anchor_before at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  (
    select encode(c.hash, 'hex')
    from audit.chain as c
    where c.tenant_id = $1
      and c.seq = $2::bigint - 1
    limit 1
  )
from audit.heads as h
where h.tenant_id = $1`,
    values: [tenantId, String(from)],
  };
}

/** An event is looked for by its id alone: one whose time was changed is there, and edited. */
export function chainBatch(
  tenantId: string,
  after: number,
  until: number,
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
): Statement {
  return {
    text: `select f.seq, encode(f.hash, 'hex'), f.event_id,
  to_char(f.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  f.actor, f.request_id, f.action, f.entity, f.record_id, f.body
from (
  select c.seq, c.hash, e.*, sum(octet_length(e.body)) over (order by c.seq) - octet_length(e.body) as bytes_before
  from (
    select c.seq, c.hash, c.event_id as sealed_id
    from audit.chain as c
    where c.tenant_id = $1
      and c.seq > $2::bigint
      and c.seq <= $3::bigint
    order by c.seq
    limit $4::bigint
  ) as c
  left join lateral (
    select e.event_id, e.occurred_at, e.actor, e.request_id, e.action, e.entity, e.record_id, e.body
    from audit.events as e
    where e.tenant_id = $1
      and e.event_id = c.sealed_id
    limit 1
  ) as e on true
) as f
where coalesce(f.bytes_before, 0) < $5::bigint
order by f.seq`,
    values: [tenantId, String(after), String(until), String(rows), String(bytes)],
  };
}

/** number, seq, hash, leaf index, path; @param seq of the first event that is vouched for */
export function proofBatch(tenantId: string, afterNumber: number, seq: number): Statement {
  return {
    text: `select p.number, p.seq, encode(p.hash, 'hex'), p.leaf_index, encode(p.path, 'hex')
from audit.proofs as p
where p.tenant_id = $1
  and p.number > $2::bigint
  and p.seq >= $3::bigint
order by p.number
limit ${PROOFS_AT_ONCE}`,
    values: [tenantId, String(afterNumber), String(seq)],
  };
}

/** The first event of the batch that is not sealed and should be; the last event of the batch. */
export function unsealedBatch(tenantId: string, after: string | null, endedBefore: string | null): Statement {
  return {
    text: `with looked as (
  select e.event_id, e.occurred_at
  from audit.events as e
  where e.tenant_id = $1
    and ($2::uuid is null or e.event_id > $2::uuid)
  order by e.event_id
  limit ${LOOKED_AT_ONCE}
)
select (
    select l.event_id
    from looked as l
    where l.occurred_at < clock_timestamp() - ${PATIENCE}
      and l.occurred_at >= coalesce($3::timestamptz, '-infinity')
      and not exists (
        select
        from audit.chain as c
        where c.tenant_id = $1
          and c.event_id = l.event_id
      )
    order by l.event_id
    limit 1
  ), (
    select l.event_id
    from looked as l
    order by l.event_id desc
    limit 1
  )`,
    values: [tenantId, after, endedBefore],
  };
}

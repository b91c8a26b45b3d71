import type { TenantTx } from '../database/tenant-tx.js';
import type { JsonObject } from '../platform/json-value.js';

/** Reads a tenant's trail as that tenant, newest first, in keyset pages. */

export interface TrailEntry {
  readonly id: string;
  /** Its number in the chain; null until it is sealed. */
  readonly seq: number | null;
  /** Hex; null until it is sealed. */
  readonly hash: string | null;
  readonly time: string;
  readonly actor: string;
  readonly requestId: string;
  readonly action: string;
  readonly entity: string | null;
  readonly recordId: string | null;
  /** `before` and `after` of records, personal values in them as commitments; `detail` of whatever else. */
  readonly content: JsonObject;
  /** What opens the commitments, by their places; null: there are none, or they were erased. */
  readonly openings: JsonObject | null;
}

export interface TrailQuery {
  readonly limit: number;
  /** Event id of the previous page's last entry. */
  readonly after?: string;
  readonly entity?: string;
  readonly recordId?: string;
  readonly action?: string;
}

export async function readTrail(tx: TenantTx, query: TrailQuery): Promise<TrailEntry[]> {
  const rows = await tx.last({
    text: `select e.event_id, to_json(e.occurred_at at time zone 'UTC')#>>'{}', e.actor, e.request_id, e.action, e.entity,
  e.record_id, e.body, e.openings, c.seq, encode(c.hash, 'hex')
from (
  select event_id, occurred_at, actor, request_id, action, entity, record_id, body, openings
  from audit.events
  where tenant_id = $1
    and ($2::uuid is null or event_id < $2::uuid)
    and ($3::text is null or entity = $3)
    and ($4::uuid is null or record_id = $4::uuid)
    and ($5::text is null or action = $5)
  order by event_id desc
  limit $6::bigint
) as e
left join lateral (
  select c.seq, c.hash
  from audit.chain as c
  where c.tenant_id = $1
    and c.event_id = e.event_id
    and c.sealed_at >= e.occurred_at
  limit 1
) as c on true
order by e.event_id desc`,
    values: [
      tx.home.tenantId,
      query.after ?? null,
      query.entity ?? null,
      query.recordId ?? null,
      query.action ?? null,
      String(query.limit),
    ],
  });
  return rows.map(([id, time, actor, requestId, action, entity, recordId, body, openings, seq, hash]) => ({
    id: id as string,
    seq: seq ? Number(seq) : null,
    hash: hash ?? null,
    time: `${time}Z`,
    actor: actor as string,
    requestId: requestId as string,
    action: action as string,
    entity: entity ?? null,
    recordId: recordId ?? null,
    content: JSON.parse(body as string) as JsonObject,
    openings: openings === null || openings === undefined ? null : (JSON.parse(openings) as JsonObject),
  }));
}

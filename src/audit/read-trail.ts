import type { TenantTx } from '../database/tenant-tx.js';

/** Reads a tenant's trail as that tenant, newest first, in keyset pages. */

export interface TrailEntry {
  readonly id: string;
  readonly time: string;
  readonly actor: string;
  readonly requestId: string;
  readonly action: string;
  readonly entity: string | null;
  readonly recordId: string | null;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly detail?: unknown;
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
    text: `select event_id, to_json(occurred_at at time zone 'UTC')#>>'{}', actor, request_id, action, entity, record_id, body
from audit.events
where tenant_id = $1
  and ($2::uuid is null or event_id < $2::uuid)
  and ($3::text is null or entity = $3)
  and ($4::uuid is null or record_id = $4::uuid)
  and ($5::text is null or action = $5)
order by event_id desc
limit $6::bigint`,
    values: [
      tx.home.tenantId,
      query.after ?? null,
      query.entity ?? null,
      query.recordId ?? null,
      query.action ?? null,
      String(query.limit),
    ],
  });
  return rows.map(([id, time, actor, requestId, action, entity, recordId, body]) => ({
    id: id as string,
    time: `${time}Z`,
    actor: actor as string,
    requestId: requestId as string,
    action: action as string,
    entity: entity ?? null,
    recordId: recordId ?? null,
    ...JSON.parse(body as string),
  }));
}

import type { Actor } from '../database/context-token.js';
import type { Statement } from '../model/sql.js';
import { uuidV7 } from '../platform/uuid.js';
import type { AuditEvent } from './audit-event.js';

/** One event, told to many tenants in one statement: each trail gets a line of its own. In the platform's context. */
export function auditEachStatement(tenantIds: readonly string[], actor: Actor, { action, body }: AuditEvent): Statement {
  return {
    text: `with told as materialized (
  select *
  from json_to_recordset($1::json) as told (tenant_id uuid, event_id uuid)
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  select tenant_id, event_id, event_id, 1
  from told
)
insert into audit.events (tenant_id, event_id, actor, request_id, action, body)
select tenant_id, event_id, $2, $3, $4, $5
from told`,
    values: [
      JSON.stringify(tenantIds.map((tenantId) => ({ tenant_id: tenantId, event_id: uuidV7() }))),
      ...[actor.subject, actor.requestId, action, body],
    ],
  };
}

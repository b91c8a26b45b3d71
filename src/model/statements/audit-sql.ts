/**
 * The part of every writing statement that tells the audit trail: an event and its publication marker for each row of the
 * common table expression named `source`, which has columns id, event_id and body. One statement, so there is no change
 * without its event and no event without its change.
 */
export interface AuditPlaceholders {
  readonly tenant: string;
  readonly actor: string;
  readonly request: string;
  readonly action: string;
  readonly entity: string;
}

export function auditSql(source: string, $: AuditPlaceholders): string {
  return `audited as (
  insert into audit.events (tenant_id, event_id, actor, request_id, action, entity, record_id, body)
  select ${$.tenant}::uuid, event_id, ${$.actor}, ${$.request}, ${$.action}, ${$.entity}, id, body
  from ${source}
),
marked as (
  insert into audit.pending (event_id, tenant_id)
  select event_id, ${$.tenant}::uuid
  from ${source}
)`;
}

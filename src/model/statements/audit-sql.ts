import type { WriteContext } from './write-context.js';

/**
 * The part of every writing statement that tells the audit trail: one event per record, and one marker that asks for their
 * publication. It is the same statement as the change, so there is no change without its event and no event without its change.
 */

/** The events of one statement; their ids are consecutive, so that two of them name all. */
export interface AuditedEvents {
  readonly first: string;
  readonly last: string;
  readonly count: number;
}

/** Parameters that every writing statement begins with: $1 tenant, $2 actor, $3 request, $4 entity, $5-$7 the events. */
export const AUDIT_PARAMETERS = 7;

export function auditParameters(
  tenantId: string,
  entity: string,
  { subject, requestId }: WriteContext,
  events: AuditedEvents,
): string[] {
  return [tenantId, subject, requestId, entity, events.first, events.last, String(events.count)];
}

/** Of a statement whose rows come as `input`, one event each. */
export function eventsOfInput(opens: boolean): { readonly events: string; readonly marker: string } {
  return { events: `select $event, event_id, id, body${opens ? ', openings' : ''}\n  from input`, marker: 'values ($marker)' };
}

export interface AuditSqlOptions {
  /** The SQL of the entity's name, where one statement changes records of several. */
  readonly entity?: string;
  /** The rows hold, behind the body, what opens its commitments. */
  readonly opens?: boolean;
}

/** @param rows what follows the column lists: `values (…)`, or a select of (event_id, id, body) from the rows changed. */
export function auditSql(
  action: string,
  rows: { readonly events: string; readonly marker: string },
  { entity = '$4', opens = false }: AuditSqlOptions = {},
): string {
  return `audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body${opens ? ', openings' : ''})
  ${rows.events.replace('$event', `$1::uuid, $2, $3, ${entity}, '${action}'`)}
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  ${rows.marker.replace('$marker', '$1::uuid, $5::uuid, $6::uuid, $7::integer')}
)`;
}

import type { Actor } from '../database/context-token.js';
import type { Statement } from '../model/sql.js';
import { uuidV7 } from '../platform/uuid.js';

/**
 * One line of a tenant's trail. Written by the statement or the transaction that makes the change, so there is no change
 * without its event and no event without its change. Records write theirs inside their own statement.
 */

export type AuditAction =
  | 'tenant.created'
  | 'tenant.updated'
  | 'tenant.suspended'
  | 'tenant.resumed'
  | 'entity.defined'
  | 'entity.change-started'
  | 'entity.change-failed'
  | 'entity.dropped'
  | 'entity.restored'
  | 'entity.purged'
  | 'property.purged'
  | 'pack.installed'
  | 'pack.upgraded'
  | 'rollout.created'
  | 'rollout.paused'
  | 'rollout.resumed'
  | 'rollout.retried'
  | 'rollout.cancelled'
  | 'rollout.finished'
  | 'record.created'
  | 'record.updated'
  | 'record.deleted'
  | 'record.restored'
  | 'record.purged'
  | 'record.history-purged'
  | 'record.integrity-failed'
  | 'apiKey.created'
  | 'apiKey.rotated'
  | 'apiKey.revoked'
  | 'keys.created'
  | 'keys.job-started'
  | 'keys.job-failed'
  | 'keys.job-cancelled'
  | 'keys.rotated'
  | 'keys.rewrapped'
  | 'keys.moved'
  | 'keys.destruction-started'
  | 'keys.destroyed'
  | 'keys.subject-destroyed'
  | 'role.created'
  | 'role.updated'
  | 'role.deleted'
  | 'webhook.created'
  | 'webhook.updated'
  | 'webhook.rotated'
  | 'webhook.replayed'
  | 'webhook.disabled'
  | 'webhook.deleted'
  | 'audit.erased'
  | 'grant.created'
  | 'grant.approved'
  | 'grant.revoked'
  | 'access.crossed'
  | 'publishing.retried'
  | 'publishing.skipped'
  | 'access.denied';

export interface AuditEvent {
  readonly action: AuditAction;
  readonly entity?: string;
  readonly recordId?: string;
  /** JSON text, kept as written. Never holds a secret. */
  readonly body: string;
}

export function auditStatement(tenantId: string, actor: Actor, event: AuditEvent): Statement {
  return {
    text: `with marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  values ($1::uuid, $2::uuid, $2::uuid, 1)
)
insert into audit.events (tenant_id, event_id, actor, request_id, action, entity, record_id, body)
values ($1::uuid, $2::uuid, $3, $4, $5, $6, $7::uuid, $8)`,
    values: [
      tenantId,
      uuidV7(),
      actor.subject,
      actor.requestId,
      event.action,
      event.entity ?? null,
      event.recordId ?? null,
      event.body,
    ],
  };
}

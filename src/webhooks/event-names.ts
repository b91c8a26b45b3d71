import type { AuditAction } from '../audit/audit-event.js';

/** What a webhook can be asked to be sent. A new action does not compile until it is here. */
const ACTIONS: Readonly<Record<AuditAction, true>> = {
  'tenant.created': true,
  'tenant.updated': true,
  'tenant.suspended': true,
  'tenant.resumed': true,
  'entity.defined': true,
  'entity.change-started': true,
  'entity.change-failed': true,
  'entity.dropped': true,
  'entity.restored': true,
  'entity.purged': true,
  'property.purged': true,
  'pack.installed': true,
  'pack.upgraded': true,
  'rollout.created': true,
  'rollout.paused': true,
  'rollout.resumed': true,
  'rollout.retried': true,
  'rollout.cancelled': true,
  'rollout.finished': true,
  'record.created': true,
  'record.updated': true,
  'record.deleted': true,
  'record.restored': true,
  'record.purged': true,
  'record.history-purged': true,
  'record.integrity-failed': true,
  'apiKey.created': true,
  'apiKey.rotated': true,
  'apiKey.revoked': true,
  'keys.created': true,
  'keys.job-started': true,
  'keys.job-failed': true,
  'keys.job-cancelled': true,
  'keys.rotated': true,
  'keys.rewrapped': true,
  'keys.moved': true,
  'keys.destruction-started': true,
  'keys.destroyed': true,
  'keys.subject-destroyed': true,
  'role.created': true,
  'role.updated': true,
  'role.deleted': true,
  'webhook.created': true,
  'webhook.updated': true,
  'webhook.rotated': true,
  'webhook.replayed': true,
  'webhook.disabled': true,
  'webhook.deleted': true,
  'audit.erased': true,
  'grant.created': true,
  'grant.approved': true,
  'grant.revoked': true,
  'access.crossed': true,
  'publishing.retried': true,
  'publishing.skipped': true,
  'access.denied': true,
};

const FAMILIES: ReadonlySet<string> = new Set(Object.keys(ACTIONS).map((action) => action.split('.')[0] as string));

/** An action of the audit trail, all of a family such as `record.*`, or `*`. */
export function isEventName(text: string): boolean {
  if (text === '*' || Object.hasOwn(ACTIONS, text)) return true;
  return text.endsWith('.*') && FAMILIES.has(text.slice(0, -2));
}

import type { Role } from './principal.js';

/**
 * The published permission table: every route names one operation, every operation names the roles that may. A route
 * without an operation does not boot. `public` needs no credentials, `session` any that are good, whatever their roles; `tenant`
 * operations need a token of that tenant.
 */
interface OperationRule {
  readonly scope: 'public' | 'session' | 'system' | 'tenant';
  readonly roles: readonly Role[];
  /** Runs READ ONLY in the database. */
  readonly readOnly: boolean;
  /** A scope of an API key may narrow it to one entity: its paths name one, and it reaches no other beyond what relations declare. */
  readonly ofEntity?: true;
  /** No API key may: a leaked one makes no others. */
  readonly notForKeys?: true;
  /** Decides who may do what, or could be used to: no role of a tenant's own may. */
  readonly definesRights?: true;
}

const READERS: readonly Role[] = ['viewer', 'editor', 'admin', 'auditor', 'service'];
const WRITERS: readonly Role[] = ['editor', 'admin', 'service'];

export const OPERATIONS = {
  'health.read': { scope: 'public', roles: [], readOnly: true },
  'docs.read': { scope: 'public', roles: [], readOnly: true },
  'audit.keys': { scope: 'public', roles: [], readOnly: true },
  'session.read': { scope: 'session', roles: [], readOnly: true },

  'tenants.create': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'tenants.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'tenants.update': { scope: 'system', roles: ['system_admin'], readOnly: false },

  'packs.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'packs.install': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'rollouts.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'rollouts.manage': { scope: 'system', roles: ['system_admin'], readOnly: false },

  'grants.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'grants.create': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'grants.approve': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'grants.revoke': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'admin.query': { scope: 'system', roles: ['system_admin'], readOnly: true },

  'publishing.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'publishing.manage': { scope: 'system', roles: ['system_admin'], readOnly: false },

  'entities.read': { scope: 'tenant', roles: READERS, readOnly: true, ofEntity: true },
  // A plan counts rows and names some, whatever their rules say: asking it would tell every value.
  'entities.plan': { scope: 'tenant', roles: ['admin'], readOnly: true, definesRights: true },
  'entities.define': { scope: 'tenant', roles: ['admin'], readOnly: false, definesRights: true },

  'records.read': { scope: 'tenant', roles: READERS, readOnly: true, ofEntity: true },
  'records.create': { scope: 'tenant', roles: WRITERS, readOnly: false, ofEntity: true },
  'records.update': { scope: 'tenant', roles: WRITERS, readOnly: false, ofEntity: true },
  'records.delete': { scope: 'tenant', roles: WRITERS, readOnly: false, ofEntity: true },
  'records.export': { scope: 'tenant', roles: READERS, readOnly: true, ofEntity: true },
  'records.import': { scope: 'tenant', roles: WRITERS, readOnly: false, ofEntity: true },

  'history.read': { scope: 'tenant', roles: READERS, readOnly: true, ofEntity: true },
  'history.purge': { scope: 'tenant', roles: ['admin'], readOnly: false, ofEntity: true },
  'deleted.read': { scope: 'tenant', roles: READERS, readOnly: true, ofEntity: true },
  'deleted.restore': { scope: 'tenant', roles: WRITERS, readOnly: false, ofEntity: true },
  'deleted.purge': { scope: 'tenant', roles: ['admin'], readOnly: false, ofEntity: true },

  'access.read': { scope: 'tenant', roles: ['admin', 'auditor'], readOnly: true },
  'audit.read': { scope: 'tenant', roles: ['admin', 'auditor'], readOnly: true },
  'audit.verify': { scope: 'tenant', roles: ['admin', 'auditor'], readOnly: true },
  // The bodies as they were hashed: whatever is kept from anybody is in it, but for personal values.
  'audit.export': { scope: 'tenant', roles: ['admin'], readOnly: true, definesRights: true },
  'audit.erase': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true },
  'apiKeys.read': { scope: 'tenant', roles: ['admin'], readOnly: true, notForKeys: true },
  'apiKeys.manage': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true },
  // Encryption keys of the tenant: never the keys themselves.
  'keys.read': { scope: 'tenant', roles: ['admin', 'auditor'], readOnly: true },
  'keys.manage': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true },
  'keys.destroy': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true },
  'roles.read': { scope: 'tenant', roles: READERS, readOnly: true },
  'roles.manage': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true, definesRights: true },
  'webhooks.read': { scope: 'tenant', roles: ['admin'], readOnly: true, notForKeys: true },
  'webhooks.manage': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true, definesRights: true },
  'openapi.read': { scope: 'tenant', roles: READERS, readOnly: true },
} as const satisfies Record<string, OperationRule>;

export type Operation = keyof typeof OPERATIONS;

export function ruleOf(operation: Operation): OperationRule {
  return OPERATIONS[operation];
}

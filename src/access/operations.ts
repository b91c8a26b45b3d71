import type { Principal, Role } from './principal.js';

/**
 * The published permission table: every route names one operation, every operation names the roles that may. A route
 * without an operation does not boot. `public` needs no credentials; `tenant` operations need a token of that tenant.
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
}

const READERS: readonly Role[] = ['viewer', 'editor', 'admin', 'auditor', 'service'];
const WRITERS: readonly Role[] = ['editor', 'admin', 'service'];

export const OPERATIONS = {
  'health.read': { scope: 'public', roles: [], readOnly: true },
  'docs.read': { scope: 'public', roles: [], readOnly: true },
  'session.read': {
    scope: 'session',
    roles: ['viewer', 'editor', 'admin', 'auditor', 'service', 'system_admin'],
    readOnly: true,
  },

  'tenants.create': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'tenants.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'tenants.update': { scope: 'system', roles: ['system_admin'], readOnly: false },

  'packs.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'packs.install': { scope: 'system', roles: ['system_admin'], readOnly: false },
  'rollouts.read': { scope: 'system', roles: ['system_admin'], readOnly: true },
  'rollouts.manage': { scope: 'system', roles: ['system_admin'], readOnly: false },

  'entities.read': { scope: 'tenant', roles: READERS, readOnly: true, ofEntity: true },
  'entities.plan': { scope: 'tenant', roles: ['admin'], readOnly: true },
  'entities.define': { scope: 'tenant', roles: ['admin'], readOnly: false },

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

  'audit.read': { scope: 'tenant', roles: ['admin', 'auditor'], readOnly: true },
  'apiKeys.read': { scope: 'tenant', roles: ['admin'], readOnly: true, notForKeys: true },
  'apiKeys.manage': { scope: 'tenant', roles: ['admin'], readOnly: false, notForKeys: true },
  'openapi.read': { scope: 'tenant', roles: READERS, readOnly: true },
} as const satisfies Record<string, OperationRule>;

export type Operation = keyof typeof OPERATIONS;

export function ruleOf(operation: Operation): OperationRule {
  return OPERATIONS[operation];
}

/** @param entity the one that the request is about; without, the operation is meant for all of them */
export function mayPerform(principal: Principal, operation: Operation, entity?: string): boolean {
  const { roles } = ruleOf(operation);
  return principal.roles.some((role) => roles.includes(role)) && isInScope(principal, operation, entity);
}

/** Whether the scopes of an API key leave room for it; whoever has a token has no scopes. */
export function isInScope({ apiKey }: Principal, operation: Operation, entity?: string): boolean {
  if (!apiKey) return true;
  const { scope, notForKeys } = ruleOf(operation);
  if (notForKeys) return false;
  // Who it is may be asked with any key.
  if (apiKey.scopes === null || scope === 'session') return true;
  return apiKey.scopes.includes(operation) || (entity !== undefined && apiKey.scopes.includes(`${operation}:${entity}`));
}

/** What a principal may perform, by the names of the operations; `operation:Entity` where only that. */
export function permissionsOf(principal: Principal): string[] {
  const operations = Object.keys(OPERATIONS) as Operation[];
  return operations.flatMap((operation) => {
    if (mayPerform(principal, operation)) return [operation];
    const narrowed = (principal.apiKey?.scopes ?? []).filter((scope) => scope.startsWith(`${operation}:`));
    return narrowed.filter((scope) => mayPerform(principal, operation, scope.slice(operation.length + 1)));
  });
}

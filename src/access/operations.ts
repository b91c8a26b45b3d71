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

  'entities.read': { scope: 'tenant', roles: READERS, readOnly: true },
  'entities.plan': { scope: 'tenant', roles: ['admin'], readOnly: true },
  'entities.define': { scope: 'tenant', roles: ['admin'], readOnly: false },

  'records.read': { scope: 'tenant', roles: READERS, readOnly: true },
  'records.create': { scope: 'tenant', roles: WRITERS, readOnly: false },
  'records.update': { scope: 'tenant', roles: WRITERS, readOnly: false },
  'records.delete': { scope: 'tenant', roles: WRITERS, readOnly: false },
  'records.export': { scope: 'tenant', roles: READERS, readOnly: true },
  'records.import': { scope: 'tenant', roles: WRITERS, readOnly: false },

  'audit.read': { scope: 'tenant', roles: ['admin', 'auditor'], readOnly: true },
  'openapi.read': { scope: 'tenant', roles: READERS, readOnly: true },
} as const satisfies Record<string, OperationRule>;

export type Operation = keyof typeof OPERATIONS;

export function ruleOf(operation: Operation): OperationRule {
  return OPERATIONS[operation];
}

export function mayPerform(principal: Principal, operation: Operation): boolean {
  const { roles } = ruleOf(operation);
  return principal.roles.some((role) => roles.includes(role));
}

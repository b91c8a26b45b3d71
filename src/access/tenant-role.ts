import { isRoleName } from '../model/access/role-name.js';
import { OPERATIONS, type Operation, ruleOf } from './operations.js';
import { ROLES, type Role } from './principal.js';

/** A role of a tenant's own: what of the built-in ones it takes over, and which operations it may perform beside. */
export interface TenantRole {
  readonly name: string;
  readonly description: string;
  readonly inherits: readonly Role[];
  /** Operations, `operation:Entity` where one entity is meant. */
  readonly permissions: readonly string[];
}

export type TenantRoles = ReadonlyMap<string, TenantRole>;

export const NO_ROLES: TenantRoles = new Map();

export function isRoleOfATenant(name: string): boolean {
  return isRoleName(name) && !(ROLES as readonly string[]).includes(name) && name !== 'anon';
}

/** Operations that a role of a tenant's own may have; what changes who may do what is left to admins. */
export function isGrantable(operation: string): operation is Operation {
  if (!Object.hasOwn(OPERATIONS, operation)) return false;
  const { scope, notForKeys, definesRights } = ruleOf(operation as Operation);
  return scope === 'tenant' && !notForKeys && !definesRights;
}

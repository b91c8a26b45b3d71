import { Access } from '../access/access.js';
import { TENANT_ROLES } from '../access/principal.js';
import type { TenantRoles } from '../access/tenant-role.js';
import { NO_CLAIMS } from '../model/access/claims.js';
import { pointer } from '../platform/json-value.js';
import type { Fault } from '../platform/problem.js';
import type { EntityNames } from './permission-faults.js';
import { scopeFaults } from './scope-faults.js';

/** What is wrong with an API key to be. */

interface WantedKey {
  readonly roles: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly expiresAt: Date | null;
}

/** Of the tenant that the key is to be of. */
interface KeySurroundings {
  readonly tenantId: string;
  readonly roles: TenantRoles;
  readonly entities: EntityNames;
}

export function apiKeyFaults({ roles, scopes, expiresAt }: WantedKey, { entities, ...tenant }: KeySurroundings): Fault[] {
  const errors = roles.flatMap((role, index) => {
    if ((TENANT_ROLES as readonly string[]).includes(role) || tenant.roles.has(role)) return [];
    const message = `must be ${TENANT_ROLES.join(', ')} or a role that the tenant has made`;
    return [{ pointer: pointer('/roles', index), rule: 'role', message }];
  });
  if (scopes !== null && errors.length === 0) {
    const key = { subject: 'a key', tenantId: tenant.tenantId, roles, claims: NO_CLAIMS };
    errors.push(...scopeFaults(scopes, Access.of(key, tenant.roles), entities));
  }
  if (expiresAt && !(expiresAt.getTime() > Date.now())) {
    errors.push({ pointer: '/expiresAt', rule: 'future', message: 'must be in the future' });
  }
  return errors;
}

import type { Claims } from '../model/access/claims.js';
import { type AccessGrant, permissionsUnder } from './grant.js';
import { grantedTo } from './granted-operations.js';
import { OPERATIONS, type Operation, ruleOf } from './operations.js';
import { PermissionSet } from './permission-set.js';
import { type Principal, ROLES } from './principal.js';
import { NO_ROLES, type TenantRole, type TenantRoles } from './tenant-role.js';

/**
 * What a principal may do: the one answer to it on every path, worked out once per request from its roles, those that the tenant has
 * made, and the scopes of its API key. Which members and rows it sees is asked of it too, by `roles`, `redacts` and `claims`.
 */
export class Access {
  /** Of an API key that has any. */
  private readonly scopes: PermissionSet | null;

  private constructor(
    readonly principal: Principal,
    /** Names that count: built-in ones, and those of the tenant's own that it has. */
    readonly roles: readonly string[],
    /** Of the roles, those that the tenant has made. */
    readonly own: readonly TenantRole[],
    private readonly granted: PermissionSet = grantedTo(roles, own),
    /** By which a system administrator is inside a tenant. */
    readonly grant: AccessGrant | null = null,
  ) {
    const { scopes } = principal.apiKey ?? { scopes: null };
    this.scopes = scopes && new PermissionSet(scopes);
  }

  static of(principal: Principal, tenantRoles: TenantRoles = NO_ROLES): Access {
    const known = accesses.get(principal);
    if (known?.tenantRoles === tenantRoles) return known.access;
    const own = principal.roles.flatMap((name) => tenantRoles.get(name) ?? []);
    const builtIn = ROLES.filter((role) => principal.roles.includes(role) || own.some(({ inherits }) => inherits.includes(role)));
    const access = new Access(principal, Object.freeze([...builtIn, ...own.map(({ name }) => name)]), own);
    accesses.set(principal, { tenantRoles, access });
    return access;
  }

  /** Of a system administrator inside a tenant: what the grant says, whatever else the token claims. */
  static under(principal: Principal, grant: AccessGrant): Access {
    return new Access(principal, SYSTEM_ADMIN, [], new PermissionSet(permissionsUnder(grant)), grant);
  }

  get claims(): Claims | null {
    return this.principal.claims;
  }

  /** Reads as an auditor only: personal values come redacted. */
  get redacts(): boolean {
    if (!this.roles.includes('auditor')) return false;
    const readers = ruleOf('records.read').roles.filter((role) => role !== 'auditor');
    return !readers.some((role) => this.roles.includes(role)) && !this.own.some(readsRecords);
  }

  /** @param entity the one that the request is about; without, the operation is meant for all of them */
  may(operation: Operation, entity?: string): boolean {
    return this.isGranted(operation, entity) && this.isInScope(operation, entity);
  }

  /** By the roles, whatever the scopes of an API key leave of it. */
  isGranted(operation: Operation, entity?: string): boolean {
    return this.granted.has(operation, entity);
  }

  /** Whether the scopes of an API key leave room for it; whoever has a token has no scopes. */
  private isInScope(operation: Operation, entity?: string): boolean {
    if (!this.principal.apiKey) return true;
    const { scope, notForKeys } = ruleOf(operation);
    if (notForKeys) return false;
    // Who it is may be asked with any key.
    if (this.scopes === null || scope === 'session') return true;
    return this.scopes.has(operation, entity);
  }

  /** By the names of the operations; `operation:Entity` where only that. */
  permissions(): string[] {
    const narrowed = [...(this.scopes?.names ?? []), ...this.granted.names].filter((name) => name.includes(':'));
    return (Object.keys(OPERATIONS) as Operation[]).flatMap((operation) => {
      if (this.may(operation)) return [operation];
      const named = new Set(narrowed.filter((name) => name.startsWith(`${operation}:`)));
      return [...named].filter((name) => this.may(operation, name.slice(operation.length + 1)));
    });
  }
}

const SYSTEM_ADMIN = Object.freeze(['system_admin']);

/** Principals are shared between the requests of one token. */
const accesses = new WeakMap<Principal, { readonly tenantRoles: TenantRoles; readonly access: Access }>();

/** All of them: who may read some entities in plain reads the others redacted, and those too. */
function readsRecords({ permissions }: TenantRole): boolean {
  return permissions.includes('records.read');
}

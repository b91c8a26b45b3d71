import { OPERATIONS, type Operation, ruleOf } from './operations.js';
import { PermissionSet } from './permission-set.js';
import { ROLES, type Role } from './principal.js';
import type { TenantRole } from './tenant-role.js';

/** What roles grant together, worked out once for each combination of built-in ones: most callers have no others. */

/** There are as many as subsets of the built-in roles, and no more. */
const ofBuiltIn = new Map<string, PermissionSet>();

/** @param roles those of `own` among them */
export function grantedTo(roles: readonly string[], own: readonly TenantRole[]): PermissionSet {
  const builtIn = grantedToBuiltIn(ROLES.filter((role) => roles.includes(role)));
  if (own.length === 0) return builtIn;
  return new PermissionSet([...builtIn.names, ...own.flatMap(({ permissions }) => permissions)]);
}

function grantedToBuiltIn(roles: readonly Role[]): PermissionSet {
  const key = roles.join(' ');
  const known = ofBuiltIn.get(key);
  if (known) return known;
  const granted = new PermissionSet(
    (Object.keys(OPERATIONS) as Operation[]).filter((operation) => {
      const rule = ruleOf(operation);
      return rule.scope === 'session' || rule.roles.some((role) => roles.includes(role));
    }),
  );
  ofBuiltIn.set(key, granted);
  return granted;
}

import { Problem } from '../platform/problem.js';
import { type Operation, ruleOf } from './operations.js';
import type { Principal } from './principal.js';

/** Why the principal may not perform the operation: the roles do not permit it, or the key it is asked with. */
export function forbidden(principal: Principal, operation: Operation, entity?: string): Problem {
  const { roles, notForKeys } = ruleOf(operation);
  if (!roles.some((role) => principal.roles.includes(role))) {
    return new Problem('auth/forbidden', `The operation ${operation} needs one of the roles: ${roles.join(', ')}.`, {
      operation,
    });
  }
  if (notForKeys) {
    return new Problem('auth/forbidden', `No API key may perform ${operation}: send a token of an admin.`, { operation });
  }
  const whose = entity === undefined ? '' : ` of ${entity}`;
  return new Problem('auth/forbidden', `The scopes of the API key do not hold ${operation}${whose}.`, { operation });
}

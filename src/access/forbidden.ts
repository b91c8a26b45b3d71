import { Problem } from '../platform/problem.js';
import type { Access } from './access.js';
import { type Operation, ruleOf } from './operations.js';

/** Why it may not be performed: the roles do not permit it, or the key it is asked with. */
export function forbidden(access: Access, operation: Operation, entity?: string): Problem {
  const { roles, notForKeys } = ruleOf(operation);
  const whose = entity === undefined ? '' : ` of ${entity}`;
  if (access.grant) {
    const { access: granted, entities } = access.grant;
    const reach = entities === null ? '' : ` and holds for ${entities.join(', ')} alone`;
    return new Problem(
      'auth/forbidden',
      `The access grant is one to ${granted}${reach}: it does not permit ${operation}${whose}.`,
      { operation },
    );
  }
  if (!access.isGranted(operation, entity)) {
    const own = notForKeys ? '' : ', or a role of the tenant that permits it';
    return new Problem('auth/forbidden', `The operation ${operation} needs one of the roles: ${roles.join(', ')}${own}.`, {
      operation,
    });
  }
  if (notForKeys) {
    return new Problem('auth/forbidden', `No API key may perform ${operation}: send a token of an admin.`, { operation });
  }
  return new Problem('auth/forbidden', `The scopes of the API key do not hold ${operation}${whose}.`, { operation });
}

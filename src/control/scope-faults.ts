import type { Access } from '../access/access.js';
import { OPERATIONS, type Operation, ruleOf } from '../access/operations.js';
import type { Fault } from '../platform/problem.js';
import { type EntityNames, permissionFaults } from './permission-faults.js';

/** What is wrong with the scopes of a key to be. @param access what its roles permit */
export function scopeFaults(scopes: readonly string[], access: Access, entities: EntityNames): Fault[] {
  const refusal = (operation: string, entity: string | undefined): string | null => {
    if (!isScope(operation)) return `must begin with an operation that API keys have: ${SCOPES.join(', ')}`;
    if (access.isGranted(operation, entity) || (entity === undefined && isGrantedSomewhere(access, operation))) return null;
    return `${operation} is permitted to ${ruleOf(operation).roles.join(', ')} and to roles of the tenant that hold it, of which the key has none`;
  };
  return permissionFaults({ member: 'scopes', names: scopes, rule: 'scope', refusal }, entities);
}

/** Of a role that holds it for single entities, a key may have it all. */
function isGrantedSomewhere(access: Access, operation: Operation): boolean {
  return access.own.some(({ permissions }) => permissions.some((name) => name.startsWith(`${operation}:`)));
}

const SCOPES = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => {
  const { scope, notForKeys } = ruleOf(operation);
  return scope === 'tenant' && !notForKeys;
});

function isScope(name: string): name is Operation {
  return (SCOPES as readonly string[]).includes(name);
}

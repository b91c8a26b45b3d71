import { OPERATIONS, type Operation, ruleOf } from '../access/operations.js';
import type { Role } from '../access/principal.js';
import { pointer } from '../platform/json-value.js';
import type { Fault } from '../platform/problem.js';

/** What is wrong with the scopes of a key to be: one that permits nothing is a mistake, and found when it is made rather than used. */
export function scopeFaults(
  scopes: readonly string[],
  roles: readonly Role[],
  entities: { has(name: string): boolean },
): Fault[] {
  return scopes.flatMap((scope, index) => {
    const message = faultOf(scope, roles, entities);
    return message === null ? [] : [{ pointer: pointer('/scopes', index), rule: 'scope', message }];
  });
}

function faultOf(scope: string, roles: readonly Role[], entities: { has(name: string): boolean }): string | null {
  const at = scope.indexOf(':');
  const [name, entity] = at < 0 ? [scope, null] : [scope.slice(0, at), scope.slice(at + 1)];
  if (!isScope(name)) return `must begin with an operation that API keys have: ${SCOPES.join(', ')}`;
  const rule = ruleOf(name);
  if (!rule.roles.some((role) => roles.includes(role))) return `${name} is permitted to ${rule.roles.join(', ')} only`;
  if (entity === null) return null;
  if (!rule.ofEntity) return `${name} reaches beyond one entity: leave the entity out`;
  return entities.has(entity) ? null : 'must name an entity that the tenant has, after the colon';
}

const SCOPES = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => {
  const { scope, notForKeys } = ruleOf(operation);
  return scope === 'tenant' && !notForKeys;
});

function isScope(name: string): name is Operation {
  return (SCOPES as readonly string[]).includes(name);
}

import { READING, WRITING } from './grant.js';
import { OPERATIONS, type Operation, ruleOf } from './operations.js';
import { isGrantable } from './tenant-role.js';

/** The published permission table as people read it: in the README, and from `bss roles operations`. */

/** Of one operation, in the order of the columns. */
type Row = readonly [operation: string, who: string, apiKeys: string, ownRoles: string, grants: string];

export const PERMISSION_COLUMNS = ['operation', 'built-in roles', 'API keys', 'roles of a tenant', 'access grants'] as const;

/** @returns one row per operation, in the order of publication */
export function permissionTable(): Row[] {
  return (Object.keys(OPERATIONS) as Operation[]).map((operation) => [
    operation,
    whoMay(operation),
    keysMay(operation),
    ownMay(operation),
    grantsMay(operation),
  ]);
}

function whoMay(operation: Operation): string {
  const { scope, roles } = ruleOf(operation);
  if (scope === 'public') return 'anyone';
  return scope === 'session' ? 'any good token or API key' : roles.join(', ');
}

/** What a key may at most, whose roles permit the operation. */
function keysMay(operation: Operation): string {
  const { scope, notForKeys } = ruleOf(operation);
  if (scope === 'public' || scope === 'session') return 'yes';
  return scope === 'system' || notForKeys ? 'no' : reach(operation);
}

function ownMay(operation: Operation): string {
  if (ruleOf(operation).scope === 'public' || ruleOf(operation).scope === 'session') return 'yes';
  return isGrantable(operation) ? reach(operation) : 'no';
}

/** What a system administrator may inside a tenant. */
function grantsMay(operation: Operation): string {
  const { scope } = ruleOf(operation);
  if (scope === 'public' || scope === 'session') return 'yes';
  if (READING.includes(operation)) return 'to read';
  return WRITING.includes(operation) ? 'to write' : 'no';
}

function reach(operation: Operation): string {
  return ruleOf(operation).ofEntity ? 'all entities or one' : 'yes';
}

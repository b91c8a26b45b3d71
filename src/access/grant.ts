import { OPERATIONS, type Operation, ruleOf } from './operations.js';

/** A system administrator's way into tenants: for a reason, for a time, to read or also to write records, and never more than that. */

export interface AccessGrant {
  /** A uuid. */
  readonly id: string;
  readonly reason: string;
  readonly ticket: string | null;
  /** Names; null: whatever the tenants have. */
  readonly entities: readonly string[] | null;
  readonly access: GrantedAccess;
  readonly expiresAt: Date;
}

export type GrantedAccess = 'read' | 'write';

export const READING: readonly Operation[] = [
  'entities.read',
  'records.read',
  'records.export',
  'history.read',
  'deleted.read',
  'openapi.read',
];

/** What ends the past stays with the tenant's own administrators, as do its keys, roles and trail. */
export const WRITING: readonly Operation[] = [
  'records.create',
  'records.update',
  'records.delete',
  'records.import',
  'deleted.restore',
];

/** Operations, `operation:Entity` where it names entities: what reaches beyond one is then left out. */
export function permissionsUnder({ access, entities }: AccessGrant): string[] {
  const wanted = access === 'write' ? [...READING, ...WRITING] : READING;
  const operations = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => wanted.includes(operation));
  if (entities === null) return operations;
  return operations
    .filter((operation) => ruleOf(operation).ofEntity)
    .flatMap((operation) => entities.map((entity) => `${operation}:${entity}`));
}

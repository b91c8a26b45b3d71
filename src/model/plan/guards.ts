/**
 * The constraints that keep a declared member out of the undeclared ones (`extra-guard.ts`): which come, go and follow a name.
 * While a change is prepared they hold back what would stand in its way; afterwards, writers that have not heard of it.
 */

import { extraGuardCondition, extraGuardName } from '../ddl/extra-guard.js';
import { tableRef } from '../ddl/table-ref.js';
import type { Property } from '../entity.js';
import { derivedName } from '../names.js';
import { quoteIdent } from '../sql.js';
import { assertNone, renameObject } from './object-steps.js';
import { type Step, type TableSize, UNFINISHED } from './operation.js';
import { formerProperty, type Transition } from './transition.js';
import { undeclared } from './undeclared.js';

/** Of a property of the new version. With a large `size` no row may break it while it is prepared. */
export function addGuard(t: Transition, property: Property, size: TableSize): readonly Step[] {
  const name = extraGuardName(t.after.table, property.column);
  const check = `check (${extraGuardCondition(property)})`;
  const [old, table] = [tableRef(t.home, t.before), tableRef(t.home, t.after)];
  const [fresh, made] = [name, `${name}${UNFINISHED}`].map(quoteIdent);
  const exclusive = { as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  if (!size.large) {
    const sql = `alter table ${table} add constraint ${fresh} ${check}`;
    return [{ stage: 'constraints', work: 'scan', ...exclusive, sql }];
  }
  return [
    {
      ...{ stage: 'prepare-constraints', work: 'catalog', ...exclusive },
      sql: `alter table ${old} add constraint ${made} ${check} not valid`,
      makes: { kind: 'constraint', name: `${name}${UNFINISHED}` },
    },
    {
      ...{ stage: 'validate', work: 'scan', as: 'owner', lock: 'SHARE UPDATE EXCLUSIVE' },
      sql: `alter table ${old} validate constraint ${made}`,
    },
    {
      ...{ stage: 'constraints', work: 'catalog', ...exclusive },
      sql: `alter table ${table} rename constraint ${made} to ${fresh}`,
    },
  ];
}

/**
 * Where a member of the name of a property would be something else, and nobody may store one any more. What the guard lets
 * through, because it will say that the property is null, is kept out until then.
 */
export function keepOut(t: Transition, property: Property, size: TableSize): readonly Step[] {
  const guard = addGuard(t, property, size);
  if (!property.nullable) return guard;
  if (!size.large) return [assertNone(t, `${undeclared(property.name)} is not null`), ...guard];
  const name = derivedName([t.before.table, property.column, 'undeclared'], 'check') + UNFINISHED;
  const [table, made] = [tableRef(t.home, t.before), quoteIdent(name)];
  const exclusive = { work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  return [
    {
      ...{ stage: 'prepare-constraints', ...exclusive },
      sql: `alter table ${table} add constraint ${made} check (${undeclared(property.name)} is null) not valid`,
      makes: { kind: 'constraint', name },
    },
    {
      ...{ stage: 'validate', work: 'scan', as: 'owner', lock: 'SHARE UPDATE EXCLUSIVE' },
      sql: `alter table ${table} validate constraint ${made}`,
    },
    { stage: 'drop-constraints', ...exclusive, sql: `alter table ${table} drop constraint ${made}` },
    ...guard,
  ];
}

/** Of a property of the old version, where it has one. */
export function dropGuard(t: Transition, was: Property): readonly Step[] {
  const name = guardOf(t, was);
  if (name === undefined) return [];
  const sql = `alter table ${tableRef(t.home, t.before)} drop constraint ${quoteIdent(name)}`;
  return [{ stage: 'drop-constraints', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' }];
}

/** It lets explicit nulls through, which are no longer welcome; a column that may be NULL does not tell them from nothing. */
export function refusesNullNow(was: Property, property: Property): boolean {
  return was.nullable && !property.nullable && !property.required;
}

/** It keeps out the explicit nulls that are now welcome. */
export function welcomesNullNow(was: Property, property: Property): boolean {
  return !was.nullable && property.nullable;
}

/** Under a new name of the table; those of renamed properties go with the old name of the member. */
export function renameGuards(t: Transition): readonly Step[] {
  return t.after.properties.flatMap((property) => {
    const was = formerProperty(t, property);
    const guard = was && guardOf(t, was);
    if (guard === undefined || was?.name !== property.name) return [];
    if (refusesNullNow(was, property) || welcomesNullNow(was, property)) return [];
    const name = extraGuardName(t.after.table, property.column);
    return [renameObject(t, guard, { kind: 'check', name, definition: '', properties: [] })];
  });
}

/** Under the new name of a column whose property keeps its own; where its rule changes too, it is dropped and added anyway. */
export function renameGuard(t: Transition, was: Property, property: Property): readonly Step[] {
  const guard = guardOf(t, was);
  const name = extraGuardName(t.after.table, property.column);
  if (guard === undefined || guard === name || was.name !== property.name || t.before.table !== t.after.table) return [];
  if (refusesNullNow(was, property) || welcomesNullNow(was, property)) return [];
  return [renameObject(t, guard, { kind: 'check', name, definition: '', properties: [] })];
}

/** Which there are when the change is made: what its operations leave, add and drop. */
export function guardsAfter(t: Transition): ReadonlySet<string> {
  const guarded = t.after.properties.filter((property) => {
    const was = formerProperty(t, property);
    if (was?.name !== property.name) return t.before.keepsExtras || (was && refusesNullNow(was, property));
    return refusesNullNow(was, property) || (!welcomesNullNow(was, property) && guardOf(t, was) !== undefined);
  });
  return new Set(guarded.map(({ column }) => extraGuardName(t.after.table, column)));
}

function guardOf({ before, guards }: Transition, was: Property): string | undefined {
  const name = extraGuardName(before.table, was.column);
  return guards.has(name) ? name : undefined;
}

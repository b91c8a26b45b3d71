import { holdsNull } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { derivedName } from '../../names.js';
import { quoteIdent } from '../../sql.js';
import { type Step, UNFINISHED } from '../operation.js';
import type { Transition } from '../transition.js';

/** What preparing a second column has in common, whatever it is filled with: a check that every write keeps, and what it takes over. */

const CATALOG = { work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;

/** Holds for every write from now on, is proven for every row, and goes in the switch. @param word what it is about */
export function guardSteps(t: Transition, property: Property, word: string, condition: string): Step[] {
  const table = tableRef(t.home, t.before);
  const guard = derivedName([t.before.table, property.column, word], 'check') + UNFINISHED;
  return [
    {
      ...{ stage: 'prepare-constraints', ...CATALOG },
      sql: `alter table ${table} add constraint ${quoteIdent(guard)} check (${condition}) not valid`,
      makes: { kind: 'constraint', name: guard },
    },
    {
      ...{ stage: 'validate', work: 'scan', as: 'owner', lock: 'SHARE UPDATE EXCLUSIVE' },
      sql: `alter table ${table} validate constraint ${quoteIdent(guard)}`,
    },
    { stage: 'drop-constraints', ...CATALOG, sql: `alter table ${table} drop constraint ${quoteIdent(guard)}` },
  ];
}

export function addColumn(t: Transition, name: string, type: string): Step {
  return {
    ...{ stage: 'prepare-columns', ...CATALOG },
    sql: `alter table ${tableRef(t.home, t.before)} add column ${quoteIdent(name)} ${type}`,
    makes: { kind: 'column', name },
  };
}

/** The new column in the place of the old one, which is gone. */
export function swapColumns(t: Transition, was: Property, property: Property, made: string): Step[] {
  const table = tableRef(t.home, t.before);
  return [
    { stage: 'types', ...CATALOG, sql: `alter table ${table} drop column ${quoteIdent(was.column)}` },
    {
      ...{ stage: 'rename', ...CATALOG },
      sql: `alter table ${table} rename column ${quoteIdent(made)} to ${quoteIdent(property.column)}`,
    },
  ];
}

/** The new column takes over what the old one was held to; what the change itself requires is `require-value`'s. */
export function notNullSteps(t: Transition, was: Property, property: Property, made: string): Step[] {
  if (holdsNull(was) || holdsNull(property)) return [];
  const table = tableRef(t.home, t.before);
  const name = derivedName([t.before.table, property.column, 'filled'], 'check') + UNFINISHED;
  const check = quoteIdent(name);
  return [
    {
      ...{ stage: 'prepare-constraints', ...CATALOG },
      sql: `alter table ${table} add constraint ${check} check (${quoteIdent(made)} is not null) not valid`,
      makes: { kind: 'constraint', name },
    },
    {
      ...{ stage: 'validate', work: 'scan', as: 'owner', lock: 'SHARE UPDATE EXCLUSIVE' },
      sql: `alter table ${table} validate constraint ${check}`,
    },
    {
      ...{ stage: 'nulls', ...CATALOG },
      sql: `alter table ${tableRef(t.home, t.after)} alter column ${quoteIdent(property.column)} set not null`,
    },
    { stage: 'nulls', ...CATALOG, sql: `alter table ${tableRef(t.home, t.after)} drop constraint ${check}` },
  ];
}

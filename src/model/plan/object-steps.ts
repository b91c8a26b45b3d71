/** The statements that build, drop and rename constraints and indexes, on tables of either size. Used by the operations. */

import type { Reference } from '../ddl/add-relation.js';
import { qualified, tableRef } from '../ddl/table-ref.js';
import type { TenantHome } from '../entity.js';
import { ownRows } from '../own-rows.js';
import { quoteIdent } from '../sql.js';
import { preparedObject, waitsForType } from './objects.js';
import { type LockMode, type Step, type TableSize, UNFINISHED } from './operation.js';
import type { TableObject } from './table-object.js';
import type { Transition } from './transition.js';

export function dropObject({ home, before }: Transition, { kind, name }: TableObject): Step {
  if (kind === 'index') {
    const sql = `drop index ${qualified(home, name)}`;
    return { stage: 'drop-indexes', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' };
  }
  const sql = `alter table ${tableRef(home, before)} drop constraint ${quoteIdent(name)}`;
  // A foreign key may lean on a unique key of the same table.
  const stage = kind === 'foreign key' ? 'drop-relations' : 'drop-constraints';
  return { stage, work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' };
}

/** After the columns have their new names, and before the table has. */
export function renameObject({ home, before }: Transition, from: string, { kind, name }: TableObject): Step {
  const [schema, old, fresh] = [home.schema, from, name].map(quoteIdent);
  const sql =
    kind === 'index'
      ? `alter index ${schema}.${old} rename to ${fresh}`
      : `alter table ${tableRef(home, before)} rename constraint ${old} to ${fresh}`;
  return { stage: 'rename', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' };
}

/** In one go while the table is small; built and checked beforehand, without blocking, when it is large. */
export function addObject(t: Transition, object: TableObject, size: TableSize): readonly Step[] {
  return size.large && !waitsForType(t, object, size) ? addBeforehand(t, object, size) : addAtOnce(t, object);
}

/** Over the columns that are prepared for a table of that size. */
export function addBeforehand(t: Transition, object: TableObject, size: TableSize): readonly Step[] {
  return [...prepareObject(t, object, size), ...finishObject(t, object)];
}

function addAtOnce({ home, after }: Transition, object: TableObject): readonly Step[] {
  const { kind, name, definition, reference, unique } = object;
  const table = tableRef(home, after);
  if (kind === 'index') {
    const sql = `create ${unique ? 'unique index' : 'index'} ${quoteIdent(name)} on ${table} ${definition}`;
    return [{ stage: 'indexes', work: 'index', as: 'owner', sql, lock: 'SHARE' }];
  }
  const sql = `alter table ${table} add constraint ${quoteIdent(name)} ${definition}`;
  if (!reference) {
    const work = kind === 'check' ? 'scan' : 'index';
    return [{ stage: 'constraints', work, as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' }];
  }
  // Postgres checks existing rows as the owner, who sees none under FORCE ROW LEVEL SECURITY: the tenant looks for itself.
  const dangling = danglingRows(home, table, reference);
  return [
    { stage: 'relations', work: 'scan', as: 'owner', sql, lock: 'SHARE ROW EXCLUSIVE' },
    { stage: 'relations', work: 'scan', as: 'assert', sql: dangling, lock: 'none' },
  ];
}

function prepareObject(t: Transition, object: TableObject, size: TableSize): readonly Step[] {
  const { home, before } = t;
  const table = tableRef(home, before);
  const { kind, definition, reference, unique } = preparedObject(t, object, size);
  const made = `${object.name}${UNFINISHED}`;
  if (kind === 'index' || kind === 'unique' || kind === 'primary key') {
    const [what, method] =
      kind === 'index'
        ? [unique ? 'unique index' : 'index', definition]
        : ['unique index', definition.replace(/^unique/, 'using btree')];
    const sql = `create ${what} concurrently ${quoteIdent(made)} on ${table} ${method}`;
    return [
      {
        ...{ stage: 'prepare-indexes', work: 'index', as: 'owner', sql, lock: 'SHARE UPDATE EXCLUSIVE' },
        ...{ alone: true, makes: { kind: 'index', name: made } },
      },
    ];
  }
  const lock: LockMode = kind === 'check' ? 'ACCESS EXCLUSIVE' : 'SHARE ROW EXCLUSIVE';
  const add = `alter table ${table} add constraint ${quoteIdent(made)} ${definition} not valid`;
  const validate = `alter table ${table} validate constraint ${quoteIdent(made)}`;
  return [
    {
      // The unique key that a foreign key to the same table needs may be one that is prepared too.
      ...{ stage: reference ? 'prepare-relations' : 'prepare-constraints', work: 'catalog', as: 'owner', sql: add, lock },
      makes: { kind: 'constraint', name: made },
    },
    ...(reference
      ? [{ stage: 'validate', work: 'scan', as: 'assert', sql: danglingRows(home, table, reference), lock: 'none' } as const]
      : []),
    { stage: 'validate', work: 'scan', as: 'owner', sql: validate, lock: 'SHARE UPDATE EXCLUSIVE' },
  ];
}

function finishObject({ home, after }: Transition, { kind, name }: TableObject): readonly Step[] {
  const [made, fresh, schema] = [`${name}${UNFINISHED}`, name, home.schema].map(quoteIdent);
  const table = tableRef(home, after);
  if (kind === 'index') {
    const sql = `alter index ${schema}.${made} rename to ${fresh}`;
    return [{ stage: 'indexes', work: 'catalog', as: 'owner', sql, lock: 'SHARE UPDATE EXCLUSIVE' }];
  }
  const adopts = kind === 'unique' || kind === 'primary key';
  const sql = adopts
    ? `alter table ${table} add constraint ${fresh} ${kind} using index ${made}`
    : `alter table ${table} rename constraint ${made} to ${fresh}`;
  return [{ stage: 'constraints', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' }];
}

/** The ids of at most five rows that point at nothing. */
function danglingRows(home: TenantHome, table: string, { column, target, field }: Reference): string {
  return `select id
from ${table} as referring
where ${ownRows(home, 'referring')}
  and ${column} is not null
  and not exists (
    select
    from ${target} as target
    where ${ownRows(home, 'target')}
      and target.${field} = referring.${column}
  )
limit 5`;
}

/** With the lock in hand: nothing else keeps such a row from having been stored since the rows were asked. */
export function assertNone({ home, before }: Transition, condition: string): Step {
  const sql = `select id\nfrom ${tableRef(home, before)}\nwhere ${ownRows(home)}\n  and (${condition})\nlimit 5`;
  return { stage: 'check-rows', work: 'scan', as: 'assert', sql, lock: 'none' };
}

/** Of a table of the past: nothing has been kept since the rows were asked. */
export function assertEmpty({ home }: Transition, table: string): Step {
  const sql = `select id\nfrom ${qualified(home, table)}\nwhere ${ownRows(home)}\nlimit 5`;
  return { stage: 'check-rows', work: 'scan', as: 'assert', sql, lock: 'none' };
}

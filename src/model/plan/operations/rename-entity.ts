import { tableRef } from '../../ddl/table-ref.js';
import { quoteIdent } from '../../sql.js';
import { renameGuards } from '../guards.js';
import { renameObject } from '../object-steps.js';
import { renamedObjects } from '../objects.js';
import type { Operation, Step, TableSize } from '../operation.js';
import type { Transition } from '../transition.js';

/** The whole entity under another name: table, constraints and indexes follow, relations to it hold on. */
export function renameEntity(t: Transition): Operation {
  const [old, fresh] = [t.before.name, t.after.name].map((name) => JSON.stringify(name));
  return {
    kind: 'rename-entity',
    pointer: '/renamedFrom',
    risk: { level: 'none', reversible: 'yes' },
    describe: () => `${old} is renamed to ${fresh}: its path changes, its records stay`,
    validate: () => [],
    sql: (size) => renameTable(t, size),
    inverse: { kind: 'rename-entity' },
  };
}

/** Objects first: their statements speak of the table by its old name. */
function renameTable(t: Transition, size: TableSize): readonly Step[] {
  const sql = `alter table ${tableRef(t.home, t.before)} rename to ${quoteIdent(t.after.table)}`;
  return [
    ...renamedObjects(t, size).map(({ old, object }) => renameObject(t, old.name, object)),
    ...renameGuards(t),
    { stage: 'rename', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' },
  ];
}

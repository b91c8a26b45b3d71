import { type Entity, EXTRA_COLUMN, type TenantHome } from '../entity.js';
import { derivedName, physicalName } from '../names.js';
import { quoteIdent, quoteLiteral } from '../sql.js';
import { tableRef } from './table-ref.js';

/**
 * Keeps a member that has become a property out of the undeclared ones. Adding the constraint looks at every row, policies or
 * not, and fails with 23514 when one holds such a member: the new property would hide its value. Afterwards it refuses a
 * writer that has not heard of the property yet. An explicit null stays: it marks an optional property that is null.
 */
export function addExtraGuard(home: TenantHome, entity: Entity, member: string): string {
  const value = `${EXTRA_COLUMN} -> ${quoteLiteral(member)}`;
  const name = quoteIdent(derivedName([EXTRA_COLUMN, entity.table, physicalName(member)], 'check'));
  return `alter table ${tableRef(home, entity)} add constraint ${name} check ((${value}) is null or ${value} = 'null'::jsonb)`;
}

/** No other constraint's name begins with an underscore: tables are named after entities, which begin with a letter. */
export function isExtraGuard(constraint: string): boolean {
  return constraint.startsWith(EXTRA_COLUMN);
}

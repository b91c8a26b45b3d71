import { EXTRA_COLUMN, type Property } from '../entity.js';
import { derivedName } from '../names.js';
import { quoteLiteral } from '../sql.js';

/**
 * What keeps a member that has become a property out of the undeclared ones. Adding the constraint looks at every row, policies or
 * not, and fails with 23514 when one holds such a member: the new property would hide its value. Afterwards it refuses a
 * writer that has not heard of the property yet. An explicit null stays where the property may be null: it says so there.
 */
export function extraGuardCondition({ name, nullable }: Property): string {
  const value = `${EXTRA_COLUMN} -> ${quoteLiteral(name)}`;
  return nullable ? `(${value}) is null or ${value} = 'null'::jsonb` : `(${value}) is null`;
}

export function extraGuardName(table: string, column: string): string {
  return derivedName([EXTRA_COLUMN, table, column], 'check');
}

/** No other constraint's name begins with an underscore: tables are named after entities, which begin with a letter. */
export function isExtraGuard(constraint: string): boolean {
  return constraint.startsWith(EXTRA_COLUMN);
}

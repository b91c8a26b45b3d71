/** Which changes of type and encryption get a second column that is filled beforehand, and under which names a table is then prepared. */

import type { Entity, Property } from '../entity.js';
import { bendsInAssignment } from './bends.js';
import { conversionBetween } from './conversion/conversion.js';
import { type TableSize, UNFINISHED } from './operation.js';
import { changesEncryption, changesType, formerProperty, type Transition, withNames } from './transition.js';

/** Also on small tables where a writer that has not heard of the change would have its value silently bent by an assignment cast. */
export function isPreparedBeforehand(was: Property, property: Property, { large }: TableSize): boolean {
  if (!changesType(was, property)) return false;
  // The database cannot encrypt, whatever the size of the table.
  if (changesEncryption(was, property)) return true;
  const conversion = conversionBetween(was, property);
  // Where nothing can be converted, nothing may be there, and there is nothing to prepare.
  if (!conversion?.rewrites) return false;
  return large || bendsInAssignment(was.type, property.type);
}

/** The property is moved to a column of its own, so that its keys and indexes are built again. */
export function movesToNewColumn(t: Transition, property: Property, size: TableSize): boolean {
  const was = formerProperty(t, property);
  return was !== undefined && isPreparedBeforehand(was, property, size);
}

/** The new version under the names its table and columns have while it is prepared. */
export function preparingEntity(t: Transition, size: TableSize): Entity {
  const { before, after, kept } = t;
  return withNames(after, before.table, after.name, (property) => {
    const { name, column } = property;
    const was = formerProperty(t, property);
    if (was && !isPreparedBeforehand(was, property, size)) return { name, column: was.column };
    return { name, column: kept.get(name) ?? `${column}${UNFINISHED}` };
  });
}

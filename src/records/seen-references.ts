import type { TenantTx } from '../database/tenant-tx.js';
import type { Entity, Property } from '../model/entity.js';
import { unseenReferenceStatement } from '../model/statements/unseen-reference-statement.js';
import { columnText } from '../model/values/values.js';
import type { JsonObject } from '../platform/json-value.js';
import { referenceMissing } from './constraint-problem.js';

/**
 * A foreign key finds any record of its target, whoever asks: a caller whom row rules leave only some of them would learn by it which
 * others there are. So what such a caller sets a relation to is looked for among the records that it may see.
 */

/** A record as it is to be stored, and as it is: what it refers to already may stay. */
export interface ReferringRecord {
  readonly id: string;
  /** Texts aligned with `entity.properties`. */
  readonly columns: readonly (string | null)[];
  readonly stored?: JsonObject | undefined;
}

/**
 * Asks nothing of entities whose targets the caller has all records of.
 * @param areAllStored the records are stored all of them or none: then they may refer to each other. Where some may be there already,
 *   what has such an id need not be the caller's
 * @throws Problem record/reference-missing
 */
export async function assertReferencesSeen(
  tx: TenantTx,
  entity: Entity,
  records: readonly ReferringRecord[],
  areAllStored = true,
): Promise<void> {
  for (const [index, property] of entity.properties.entries()) {
    const { relation } = property;
    if (!relation?.seen) continue;
    const keys = new Set(records.flatMap((record) => keySet(record, property, index)));
    if (areAllStored && relation.entity === entity.name)
      for (const record of records) keys.delete(fieldOf(entity, record, relation.field));
    if (keys.size === 0) continue;
    const unseen = await tx.query(unseenReferenceStatement(tx.home, property, relation.seen, [...keys]));
    if (unseen.length > 0) throw referenceMissing(property, relation);
  }
}

function keySet({ columns, stored }: ReferringRecord, property: Property, index: number): string[] {
  const key = columns[index] ?? null;
  const before = stored?.[property.name] ?? null;
  return key === null || (before !== null && columnText(property, before) === key) ? [] : [key];
}

function fieldOf({ properties }: Entity, { id, columns }: ReferringRecord, field: string): string {
  return field === 'id' ? id : (columns[properties.findIndex(({ name }) => name === field)] ?? '');
}

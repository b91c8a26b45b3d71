import type { TenantTx } from '../database/tenant-tx.js';
import type { Entity } from '../model/entity.js';
import { ownedStatement } from '../model/statements/owned-statement.js';
import { rowForbidden, WOULD_BE } from './row-forbidden.js';

/**
 * What a record has become has to be the caller's as what it was. The policies of its table refuse it; asked once more, it is refused
 * where they are gone, too. Nothing is asked of callers who have all rows, whose last statement commits.
 */

export function writesAll({ rows }: Entity): boolean {
  return rows === undefined || rows.write === true;
}

/** @param ids of records that this transaction has stored. @throws Problem record/row-forbidden */
export async function assertOwnWritten(tx: TenantTx, entity: Entity, ids: readonly string[]): Promise<void> {
  if (writesAll(entity) || ids.length === 0) return;
  const [[owned] = []] = await tx.query(ownedStatement(tx.home, entity, ids));
  if (Number(owned) < new Set(ids).size) throw rowForbidden(entity, WOULD_BE);
}

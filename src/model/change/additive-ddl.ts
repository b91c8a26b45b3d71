import { addChecks } from '../ddl/add-check.js';
import { addColumn } from '../ddl/add-column.js';
import { addIndex } from '../ddl/add-index.js';
import { addRelation, type Resolve } from '../ddl/add-relation.js';
import { addUnique } from '../ddl/add-unique.js';
import type { Entity, TenantHome } from '../entity.js';
import { compareEntities } from './compare.js';

/**
 * The statements, in order and each sent alone, that bring a table from one version to an additively changed one; empty
 * when only texts changed. Throws when a change is not additive: half of a change must never run as if it were all of it.
 * The caller has settled every `needsCheck` and found no `relationFaults`.
 */
export function additiveDdl(home: TenantHome, before: Entity, after: Entity, resolve: Resolve): readonly string[] {
  const obstacle = compareEntities(before, after).find((change) => !change.additive && change.needsCheck === undefined);
  if (obstacle) throw new Error(`not an additive change: ${obstacle.kind} at ${obstacle.pointer}`);
  const properties = after.properties.filter(({ name }) => !before.properties.some((old) => old.name === name));
  const uniqueKeys = after.uniqueKeys.filter(({ name }) => !before.uniqueKeys.some((old) => old.name === name));
  const indexes = after.indexes.filter(({ name }) => !before.indexes.some((old) => old.name === name));
  return [
    ...properties.map((property) => addColumn(home, after, property)),
    ...properties.flatMap((property) => addChecks(home, after, property)),
    ...uniqueKeys.map((key) => addUnique(home, after, key)),
    ...indexes.map((index) => addIndex(home, after, index)),
    ...properties.flatMap((property) => addRelation(home, after, property, resolve)),
  ];
}

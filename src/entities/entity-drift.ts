import { randomBytes } from 'node:crypto';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import type { Entity, TenantHome } from '../model/entity.js';
import type { TableCatalog } from '../model/plan/catalog.js';
import { catalogStatement } from '../model/plan/catalog-statement.js';
import { type Drift, driftBetween } from '../model/plan/drift.js';
import { readCatalog } from '../model/plan/read-catalog.js';
import { catalogFromScratch, scratchTable } from '../model/plan/scratch-table.js';
import { type TableShape, tableShape } from '../model/plan/shape.js';

/**
 * Looks for drift. Postgres alone knows how it spells what a document asks for, so each table is made once more, empty and
 * under a name of its own, and both catalogs are compared. Everything it makes is rolled back; readers and writers of the
 * tenant's tables never wait for it.
 */

/** Longest it waits for a table that somebody holds in ACCESS EXCLUSIVE; then it fails with 55P03. */
const LOCK_TIMEOUT = '2s';

/** Each new table and index holds a lock until it is rolled back, and a server has some thousands for everybody. */
const BATCH = 20;

interface Inspected {
  readonly entity: Entity;
  readonly shape: TableShape;
  readonly scratch: string;
}

/**
 * Drift of each entity by its name, empty where there is none. `entities` holds the targets of their relations too;
 * `retainedOf` names the hidden columns of an entity's dropped properties.
 */
export async function entityDrift(
  controlPlane: ControlPlane,
  actor: Actor,
  home: TenantHome,
  entities: readonly Entity[],
  retainedOf: (entity: Entity) => ReadonlySet<string>,
): Promise<Map<string, Drift[]>> {
  const known = new Map(entities.map((entity) => [entity.name, entity]));
  // Two that look at the same time must not wait for each other's names. No entity's table begins with "~".
  const run = randomBytes(6).toString('hex');
  const inspected = entities.map((entity, i) => ({
    entity,
    shape: tableShape(home, entity, (name) => known.get(name)),
    scratch: `~scratch~${run}~${i}`,
  }));
  return controlPlane.inTenant(actor, home, async (tx) => {
    await tx.manager.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const found = new Map<string, Drift[]>();
    for (let at = 0; at < inspected.length; at += BATCH) {
      const batch = inspected.slice(at, at + BATCH);
      const catalogs = await readWithScratch(tx, home, batch);
      for (const { entity, shape, scratch } of batch) {
        const expected = catalogFromScratch(shape, catalogs.get(scratch) as TableCatalog);
        found.set(entity.name, driftBetween(shape, expected, catalogs.get(entity.table), retainedOf(entity)));
      }
    }
    return found;
  });
}

/** The catalogs of the tables and of their scratch tables, which are gone when it returns. */
async function readWithScratch(tx: SystemTx, home: TenantHome, batch: readonly Inspected[]): Promise<Map<string, TableCatalog>> {
  await tx.manager.query('savepoint scratch');
  await tx.asOwner(
    home,
    batch.flatMap(({ entity, shape, scratch }) => scratchTable(home, entity, shape, scratch)),
  );
  const names = batch.flatMap(({ entity, scratch }) => [entity.table, scratch]);
  const catalogs = readCatalog(await tx.run<{ catalog: string }>(catalogStatement(home.schema, names)));
  await tx.manager.query('rollback to savepoint scratch');
  return new Map(catalogs.map((catalog) => [catalog.table, catalog]));
}

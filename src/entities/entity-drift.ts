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
import { ExpectedCatalogs } from './expected-catalogs.js';
import { type Inspection, withoutPrepared } from './prepared-objects.js';

/**
 * Looks for drift. Postgres alone knows how it spells what a document asks for, so each table is made once more, empty and
 * under a name of its own, and both catalogs are compared. Everything it makes is rolled back; readers and writers of the
 * tenant's tables never wait for it. What was made for a document is remembered, and a table that is as remembered has no drift:
 * only the others are made again.
 */

/** Longest it waits for a table that somebody holds in ACCESS EXCLUSIVE; then it fails with 55P03. */
const LOCK_TIMEOUT = '2s';

/** Each new table and index holds a lock until it is rolled back, and a server has some thousands for everybody. */
const BATCH = 20;

/** Entities as the registry has them, with the targets of their relations. */
export interface Registered {
  readonly entities: readonly Entity[];
  /** Names of the hidden columns of an entity's dropped properties. */
  readonly retainedOf: (entity: Entity) => ReadonlySet<string>;
}

interface Inspected {
  readonly entity: Entity;
  readonly shape: TableShape;
  readonly scratch: string;
}

/**
 * Of each entity by its name, in the order they come in; both lists are empty where its table is as its document says.
 * @param read anew whenever it is called: when drift was found, it is looked for once more. In the tenant's context
 */
export async function entityDrift(
  controlPlane: ControlPlane,
  actor: Actor,
  home: TenantHome,
  read: (tx: SystemTx) => Registered | Promise<Registered>,
): Promise<Map<string, Inspection>> {
  return controlPlane.inTenant(actor, home, async (tx) => {
    await tx.manager.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const look = async (): Promise<Map<string, Inspection>> => {
      const found = await compared(tx, ExpectedCatalogs.of(controlPlane), home, await read(tx));
      return withoutPrepared(tx, home.tenantId, found);
    };
    const found = await look();
    // Registry, tables and changes are read one after the other: a change that ends in between looks like drift, once.
    return [...found.values()].some(({ drift }) => drift.length > 0) ? look() : found;
  });
}

async function compared(
  tx: SystemTx,
  expectations: ExpectedCatalogs,
  home: TenantHome,
  { entities, retainedOf }: Registered,
): Promise<Map<string, Drift[]>> {
  const known = new Map(entities.map((entity) => [entity.name, entity]));
  // Two that look at the same time must not wait for each other's names. No entity's table begins with "~".
  const run = randomBytes(6).toString('hex');
  const inspected = entities.map((entity, i) => ({
    entity,
    shape: tableShape(home, entity, (name) => known.get(name)),
    scratch: `~scratch~${run}~${i}`,
  }));
  const asRemembered = await findAsRemembered(tx, expectations, home, inspected, retainedOf);
  const found = new Map(entities.map(({ name }): [string, Drift[]] => [name, []]));
  const rest = inspected.filter(({ entity }) => !asRemembered.has(entity));
  for (let at = 0; at < rest.length; at += BATCH) {
    const batch = rest.slice(at, at + BATCH);
    const catalogs = await readWithScratch(tx, home, batch);
    for (const { entity, shape, scratch } of batch) {
      const expected = catalogFromScratch(shape, catalogs.get(scratch) as TableCatalog);
      expectations.keep(entity, home, expected);
      found.set(entity.name, driftBetween(shape, expected, catalogs.get(entity.table), retainedOf(entity)));
    }
  }
  return found;
}

/** Those whose tables are as the remembered ones: without drift. */
async function findAsRemembered(
  tx: SystemTx,
  expectations: ExpectedCatalogs,
  home: TenantHome,
  inspected: readonly Inspected[],
  retainedOf: Registered['retainedOf'],
): Promise<Set<Entity>> {
  const remembered = inspected.flatMap(({ entity, shape }) => {
    const expected = expectations.find(entity, home);
    return expected ? [{ entity, shape, expected }] : [];
  });
  if (remembered.length === 0) return new Set();
  const tables = remembered.map(({ entity }) => entity.table);
  const catalogs = await catalogsOf(tx, home, tables);
  const same = remembered.filter(({ entity, shape, expected }) => {
    return driftBetween(shape, expected, catalogs.get(entity.table), retainedOf(entity)).length === 0;
  });
  return new Set(same.map(({ entity }) => entity));
}

/** The catalogs of the tables and of their scratch tables, which are gone when it returns. */
async function readWithScratch(tx: SystemTx, home: TenantHome, batch: readonly Inspected[]): Promise<Map<string, TableCatalog>> {
  await tx.manager.query('savepoint scratch');
  await tx.asOwner(
    home,
    batch.flatMap(({ entity, shape, scratch }) => scratchTable(home, entity, shape, scratch)),
  );
  const catalogs = await catalogsOf(
    tx,
    home,
    batch.flatMap(({ entity, scratch }) => [entity.table, scratch]),
  );
  await tx.manager.query('rollback to savepoint scratch');
  return catalogs;
}

async function catalogsOf(tx: SystemTx, home: TenantHome, tables: readonly string[]): Promise<Map<string, TableCatalog>> {
  const catalogs = readCatalog(await tx.run<{ catalog: string }>(catalogStatement(home.schema, tables)));
  return new Map(catalogs.map((catalog) => [catalog.table, catalog]));
}

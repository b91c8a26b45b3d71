import type { Actor } from '../database/context-token.js';
import type { SystemTx } from '../database/control-plane.js';
import { catalogStatement } from '../model/plan/catalog-statement.js';
import { phaseOf, type Step } from '../model/plan/operation.js';
import { readCatalog } from '../model/plan/read-catalog.js';
import { droppedProperties, encryptsAnew, hiddenColumn, type Transition } from '../model/plan/transition.js';
import { fieldsAfter } from '../model/sealed/fields.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { PackOrigin } from './change-request.js';
import type { Since } from './change-store.js';
import { keepPast } from './past-keeping.js';
import { catalogMark, drifted } from './planner.js';
import { lockQuietly } from './quiet-lock.js';
import type { ReadDocument } from './read-documents.js';
import { announce, fieldsOf, lockDefinitions, note, updateDefinition } from './registry-changes.js';
import { invalidRecords } from './row-facts.js';

/** Everything one transaction needs to take an entity from one version to the next. */
export interface SwitchOver {
  readonly tenantId: string;
  readonly entityId: string;
  readonly fromVersion: number;
  readonly transition: Transition;
  readonly statements: readonly Step[];
  readonly document: JsonObject;
  readonly after: ReadDocument;
  /** The catalog the plan was made on. */
  readonly fingerprint: string;
  readonly retargeted: readonly {
    readonly entityId: string;
    readonly name: string;
    readonly version: number;
    readonly document: JsonObject;
  }[];
  /** Columns that are shown again. */
  readonly restored: readonly string[];
  readonly pack?: PackOrigin;
  /** Id of the change that goes on when this is over: no other of the entity may be under way. */
  readonly during?: string;
  /** Sentences for the trail. */
  readonly descriptions: readonly string[];
  /** Since when records have to be read again that nothing but validation can judge; all of them when it is left out. */
  readonly since?: Since;
  /** Records read at a time, from `batchRows`. */
  readonly batch?: number;
}

/** How long what is dropped is kept. */
export const RETENTION_DAYS = 30;

/**
 * Table, registry, version and trail move together or not at all. Runs under the lock timeout of its caller, who repeats it when
 * a lock could not be had. @throws Problem entity/plan-stale when somebody was faster.
 */
export async function switchOver(tx: SystemTx, actor: Actor, change: SwitchOver): Promise<void> {
  const { tenantId, transition: t, entityId, document, pack } = change;
  await lockDefinitions(tx, tenantId);
  await assertUnchanged(tx, change);
  if (change.statements.some((step) => phaseOf(step) === 'switch')) await lockQuietly(tx, t.home, t.before);
  await runStatements(tx, actor, change);
  // With the lock in hand: whoever has written values in plain text has kept the answer by now.
  if (encryptsAnew(t)) await tx.run({ text: 'select business_store_service.forget_plain_answers()', values: [] });
  const version = change.fromVersion + 1;
  const lineage = { renames: [...t.renames], restored: [...t.kept] };
  const hidden = new Map(droppedProperties(t).map((property) => [property.name, hiddenColumn(t, property)]));
  const fields = fieldsAfter(await fieldsOf(tx, { tenantId, entityId }), { ...t, hidden, version });
  await updateDefinition(tx, actor, { tenantId, entityId, name: t.after.name, version, document, pack, lineage, fields });
  await keepPast(tx, t.home, entityId, { before: t.before.keeps, after: t.after.keeps });
  await retain(tx, actor, change, version);
  for (const other of change.retargeted) {
    await updateDefinition(tx, actor, { tenantId, ...other });
    const body = { after: { version: other.version, document: other.document } };
    await note(tx, actor, tenantId, { action: 'entity.defined', entity: other.name, body });
  }
  const body = {
    before: { version: change.fromVersion, name: t.before.name },
    after: { version, document },
    changes: [...change.descriptions],
  };
  await announce(tx, actor, tenantId, { action: 'entity.defined', entity: t.after.name, body });
}

async function assertUnchanged(
  tx: SystemTx,
  { tenantId, entityId, fromVersion, retargeted, transition: t, fingerprint, during }: SwitchOver,
): Promise<void> {
  const [row] = await tx.run<{ version: number; busy: boolean }>({
    text: `select version, exists (
  select
  from business_store_service.schema_changes as change
  where change.tenant_id = definition.tenant_id
    and change.entity_id = definition.entity_id
    and status in ('running', 'aborting')
    and change_id is distinct from $3::uuid
) as busy
from business_store_service.tenant_schemas as definition
where tenant_id = $1
  and entity_id = $2
  and dropped_at is null`,
    values: [tenantId, entityId, during ?? null],
  });
  if (row?.version !== fromVersion) throw stale();
  if (row.busy) throw inProgress();
  for (const other of retargeted) await assertVersion(tx, tenantId, other.entityId, other.version - 1);
  const [catalog] = readCatalog(await tx.run<{ catalog: string }>(catalogStatement(t.home.schema, [t.before.table])));
  if (!catalog) throw drifted(t.before.name, 'its table is gone');
  if (catalogMark(catalog) !== fingerprint) throw stale();
}

async function assertVersion(tx: SystemTx, tenantId: string, entityId: string, version: number): Promise<void> {
  const rows = await tx.run({
    text: `select
from business_store_service.tenant_schemas
where tenant_id = $1
  and entity_id = $2
  and version = $3
  and dropped_at is null`,
    values: [tenantId, entityId, String(version)],
  });
  if (rows.length === 0) throw stale();
}

export function stale(): Problem {
  return new Problem('entity/plan-stale', 'The entity or its table has changed since the plan was made. Plan again.');
}

async function runStatements(tx: SystemTx, actor: Actor, change: SwitchOver): Promise<void> {
  const { home } = change.transition;
  const steps = change.statements.filter((step) => phaseOf(step) === 'switch');
  for (let i = 0; i < steps.length; ) {
    const { as } = steps[i] as Step;
    const next = steps.findIndex((step, index) => index > i && step.as !== as);
    const run = steps.slice(i, next < 0 ? steps.length : next);
    if (as === 'owner')
      await tx.asOwner(
        home,
        run.map(({ sql }) => sql),
      );
    else for (const step of run) await runInside(tx, actor, change, step);
    i += run.length;
  }
}

/** Before the first transaction of a cluster. */
const EVER: Since = { time: '-infinity', snapshot: '3:3:' };

async function runInside(tx: SystemTx, actor: Actor, change: SwitchOver, { as, sql }: Step): Promise<void> {
  const { transition: t, after, since = EVER, batch } = change;
  await tx.asTenant(t.home, actor, async (query) => {
    if (as === 'rules') {
      const reading = { since, ...(batch === undefined ? {} : { batch }) };
      const failing = await invalidRecords(query, t, after.validator, sql, reading);
      if (failing.rows > 0) throw inTheWay('A record stored meanwhile is not valid under the new document.', failing.sample);
      return;
    }
    const rows = await query({ text: sql, values: [] });
    if (as === 'assert' && rows.length > 0) {
      throw inTheWay(
        'A value stored meanwhile points at nothing.',
        rows.map(([id]) => id as string),
      );
    }
  });
}

export function inTheWay(detail: string, sample: readonly string[]): Problem {
  return new Problem('entity/plan-impossible', `${detail} Plan again to see each rule and what to do.`, { sample });
}

async function retain(tx: SystemTx, actor: Actor, change: SwitchOver, version: number): Promise<void> {
  const { tenantId, entityId, transition: t, restored } = change;
  for (const property of droppedProperties(t)) {
    const { properties } = t.before.document as { properties: JsonObject };
    await tx.run({
      text: `insert into business_store_service.retained_properties
  (tenant_id, entity_id, column_name, property, definition, required, dropped_version, dropped_by, purge_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(days => $9))`,
      values: [
        ...[tenantId, entityId, hiddenColumn(t, property), property.name, JSON.stringify(properties[property.name])],
        ...[String(property.required), String(version), actor.subject, String(RETENTION_DAYS)],
      ],
    });
  }
  for (const column of restored) {
    await tx.run({
      text: `delete from business_store_service.retained_properties
where tenant_id = $1
  and entity_id = $2
  and column_name = $3`,
      values: [tenantId, entityId, column],
    });
  }
}

export function inProgress(): Problem {
  return new Problem(
    'entity/change-in-progress',
    'Another change of this entity is being prepared. GET …/changes tells how far it is; it can be aborted there.',
  );
}

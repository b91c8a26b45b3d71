import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { qualified, tableRef } from '../model/ddl/table-ref.js';
import type { Entity, TenantHome } from '../model/entity.js';
import { catalogStatement } from '../model/plan/catalog-statement.js';
import { UNFINISHED } from '../model/plan/operation.js';
import { readCatalog } from '../model/plan/read-catalog.js';
import { quoteIdent } from '../model/sql.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { Aborted } from './change-stops.js';
import { finishChange, type StoredChange } from './change-store.js';
import { patiently } from './patiently.js';
import { driftIn, impossible, tooManyColumns } from './plan-refusals.js';
import type { PlannedChange, Planner } from './planner.js';
import { lockQuietly } from './quiet-lock.js';
import { announce } from './registry-changes.js';

/**
 * The end of a change that cannot be finished: everything it has prepared is taken away, the old version is what it was, and
 * what stood in the way is said. All of it in one transaction.
 */
export async function undoChange(
  controlPlane: ControlPlane,
  actor: Actor,
  tenant: Tenant,
  change: StoredChange,
  by: { readonly holder: string; readonly planner: Planner; readonly problem: Problem },
): Promise<void> {
  const { home } = tenant;
  const entity = await by.planner.entityBefore(actor, tenant, change.entityId).catch(nullWhenGone);
  await patiently(controlPlane, actor, home, async (tx) => {
    if (entity) await takeAway(tx, home, entity, change);
    await tx.run({
      text: `update business_store_service.tenant_schemas
set transition = null
where tenant_id = $1
  and entity_id = $2`,
      values: [change.tenantId, change.entityId],
    });
    const status = by.problem instanceof Aborted ? 'aborted' : 'failed';
    const { plan: _, ...said } = by.problem.toJSON();
    await finishChange(tx, change, by.holder, status, said as JsonObject);
    const body = { change: change.changeId, reason: by.problem.detail };
    await announce(tx, actor, change.tenantId, { action: 'entity.change-failed', entity: change.entity, body });
  });
}

/** The entity was dropped meanwhile, and the change with it. */
function nullWhenGone(error: unknown): null {
  if (error instanceof Problem && error.code === 'entity/not-found') return null;
  throw error;
}

/** Only what the change makes and what is not finished: nothing else is touched. */
async function takeAway(tx: SystemTx, home: TenantHome, entity: Entity, change: StoredChange): Promise<void> {
  const read = async () => readCatalog(await tx.run<{ catalog: string }>(catalogStatement(home.schema, [entity.table])));
  if ((await read()).length === 0) return;
  await lockQuietly(tx, home, entity);
  const ref = tableRef(home, entity);
  await tx.asOwner(home, [`lock table ${ref} in access exclusive mode`]);
  const [catalog] = await read();
  const made = new Set(change.plan.statements.flatMap(({ makes }) => makes?.name ?? []));
  const isMade = ({ name }: { readonly name: string }): boolean => made.has(name) && name.endsWith(UNFINISHED);
  await tx.asOwner(home, [
    ...(catalog?.constraints ?? []).filter(isMade).map(({ name }) => `alter table ${ref} drop constraint ${quoteIdent(name)}`),
    ...(catalog?.indexes ?? []).filter(isMade).map(({ name }) => `drop index ${qualified(home, name)}`),
    ...(catalog?.columns ?? []).filter(isMade).map(({ name }) => `alter table ${ref} drop column ${quoteIdent(name)}`),
  ]);
}

/**
 * What became of the change, for whoever asks: the rules and the rows that stand in the way, as a new plan sees them. With that
 * plan, for whoever waits for it.
 */
export async function problemOfChange(
  error: unknown,
  actor: Actor,
  tenant: Tenant,
  { plan, document, entity }: StoredChange,
  { planner, step }: { readonly planner: Planner; readonly step: string | undefined },
): Promise<Problem> {
  const code = databaseErrorOf(error)?.code ?? '';
  const isAboutRows = /^2[23]/.test(code) || (error instanceof Problem && error.code === 'entity/plan-impossible');
  if (error instanceof Problem && !isAboutRows) return error;
  if (code === '54011') return tooManyColumns();
  const request = {
    ...{ document, renames: new Map(plan.renames), restore: new Map(plan.kept), renamedFrom: entity },
    ...(plan.pack ? { pack: plan.pack } : {}),
  };
  const fresh = await planner.plan(actor, tenant, plan.answer.entity, request).catch((again: unknown) => again);
  if (fresh instanceof Problem) return fresh;
  const { answer } = (fresh instanceof Error ? null : (fresh as PlannedChange | null)) ?? {};
  const during = step === undefined ? {} : { step };
  if (answer && !answer.possible) {
    const { detail, extensions } = impossible(answer);
    return new Problem('entity/plan-impossible', `Stored since the plan was made: ${detail}`, { ...extensions, ...during });
  }
  if (error instanceof Problem) return error;
  const extensions = { ...during, ...(answer ? { plan: answer } : {}) };
  if (isAboutRows) {
    const detail = 'A record stored since the plan was made stood in the way, and is gone by now. Plan again.';
    return new Problem('entity/plan-stale', detail, extensions);
  }
  const drift = answer?.hash === plan.answer.hash ? driftIn(fresh as PlannedChange, error) : undefined;
  return drift ?? new Problem('entity/plan-stale', 'The table is not what the plan was made for. Plan again.', extensions);
}

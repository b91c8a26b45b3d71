import type { SystemTx } from '../database/control-plane.js';
import type { Row } from '../database/statement-batch.js';
import type { Step } from '../model/plan/operation.js';
import type { Statement } from '../model/sql.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import type { PackOrigin, PlanAnswer } from './change-request.js';
import { Aborted } from './change-stops.js';

/** business_store_service.schema_changes: changes that are more than one transaction, and where they stand. */

/** Everything that going on after a crash needs: what was planned is what is run. */
export interface StoredPlan {
  readonly answer: PlanAnswer;
  readonly statements: readonly Step[];
  readonly renames: readonly (readonly [string, string])[];
  readonly kept: readonly (readonly [string, string])[];
  readonly guards: readonly string[];
  readonly fingerprint: string;
  readonly retargeted: readonly {
    readonly entityId: string;
    readonly name: string;
    readonly version: number;
    readonly document: JsonObject;
  }[];
  readonly restored: readonly string[];
  readonly pack?: PackOrigin;
}

export interface Progress {
  /** Rows done in the step at hand. */
  readonly rows?: number;
  readonly lastId?: string;
  /** Since when records have to be read again that only validation can judge. */
  readonly since?: Since;
  /** The new version is in force: what is left is done afterwards, and cannot be called off. */
  readonly switched?: true;
  /** Of a table of the past: the last row done. */
  readonly place?: readonly [id: string, endedAt: string, revision: string];
}

/** A moment, for the records written since. */
export interface Since {
  /** RFC 3339; nobody who commits later has begun earlier. */
  readonly time: string;
  /** A `pg_snapshot`: who had committed by then. */
  readonly snapshot: string;
}

export interface StoredChange {
  readonly tenantId: string;
  readonly changeId: string;
  readonly entityId: string;
  readonly entity: string;
  readonly fromVersion: number;
  readonly document: JsonObject;
  readonly plan: StoredPlan;
  readonly stepsDone: number;
  readonly progress: Progress;
  readonly createdBy: string;
  readonly requestId: string;
}

export type ChangeStatus = 'running' | 'aborting' | 'done' | 'failed' | 'aborted';

/** Seconds that a change belongs to whoever works on it; renewed while it does. */
export const LEASE_SECONDS = 30;

export async function insertChange(
  tx: SystemTx,
  change: Omit<StoredChange, 'stepsDone' | 'progress'>,
  allow: readonly string[],
  holder: string,
): Promise<void> {
  await tx.manager.query(
    `insert into business_store_service.schema_changes
  (tenant_id, change_id, entity_id, entity, from_version, document, hash, plan, allow, created_by, request_id, lease_holder, lease_until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + make_interval(secs => $13))`,
    [
      ...[change.tenantId, change.changeId, change.entityId, change.entity, change.fromVersion, JSON.stringify(change.document)],
      ...[change.plan.answer.hash, JSON.stringify(change.plan), allow, change.createdBy, change.requestId, holder, LEASE_SECONDS],
    ],
  );
}

/** Takes one change that nobody works on, of any tenant; null when there is none. In the platform's context. */
export async function claimChange(tx: SystemTx, holder: string): Promise<StoredChange | null> {
  const [rows] = (await tx.manager.query(
    `update business_store_service.schema_changes as change
set lease_holder = $1, lease_until = now() + make_interval(secs => $2)
from (
  select tenant_id, change_id
  from business_store_service.schema_changes
  where status in ('running', 'aborting')
    and (lease_until is null or lease_until < now())
  order by created_at
  limit 1
  for update skip locked
) as next
where change.tenant_id = next.tenant_id
  and change.change_id = next.change_id
returning change.*`,
    [holder, LEASE_SECONDS],
  )) as [ChangeRow[], number];
  return rows[0] ? stored(rows[0]) : null;
}

/**
 * Notes how far a change is and renews the lease, in the transaction of the step itself where there is one.
 * @throws LeaseLost when somebody else works on it by now
 */
export async function noteProgress(
  tx: SystemTx,
  { tenantId, changeId }: Pick<StoredChange, 'tenantId' | 'changeId'>,
  holder: string,
  noted: { readonly stepsDone?: number; readonly progress?: Progress | null },
): Promise<ChangeStatus> {
  const [rows] = (await tx.manager.query(
    `update business_store_service.schema_changes
set steps_done = coalesce($4, steps_done),
    progress = case when $6 then $5::json else progress end,
    updated_at = now(),
    lease_until = now() + make_interval(secs => $7)
where tenant_id = $1
  and change_id = $2
  and lease_holder = $3
  and status in ('running', 'aborting')
returning status`,
    [
      ...[tenantId, changeId, holder, noted.stepsDone ?? null],
      ...[noted.progress ? JSON.stringify(noted.progress) : null, noted.progress !== undefined, LEASE_SECONDS],
    ],
  )) as [{ status: ChangeStatus }[], number];
  if (!rows[0]) throw new LeaseLost();
  return rows[0].status;
}

/**
 * The end of a change. One that was called off does not get done.
 * @throws LeaseLost when somebody else works on it by now, Aborted when it was called off
 */
export async function finishChange(
  tx: SystemTx,
  { tenantId, changeId }: Pick<StoredChange, 'tenantId' | 'changeId'>,
  holder: string,
  status: 'done' | 'failed' | 'aborted',
  error: JsonValue = null,
): Promise<void> {
  const open = status === 'done' ? `status = 'running'` : `status in ('running', 'aborting')`;
  const [, count] = (await tx.manager.query(
    `update business_store_service.schema_changes
set status = $4, error = $5, updated_at = now(), finished_at = now(), lease_until = null
where tenant_id = $1
  and change_id = $2
  and lease_holder = $3
  and ${open}`,
    [tenantId, changeId, holder, status, error === null ? null : JSON.stringify(error)],
  )) as [unknown, number];
  if (count > 0) return;
  if (status === 'done' && (await noteProgress(tx, { tenantId, changeId }, holder, {})) === 'aborting') throw new Aborted();
  throw new LeaseLost();
}

/** Whoever comes next may go on with it, in so many seconds. */
export async function releaseChange(
  tx: SystemTx,
  { tenantId, changeId }: StoredChange,
  holder: string,
  seconds: number,
): Promise<void> {
  await tx.manager.query(
    `update business_store_service.schema_changes
set lease_until = now() + make_interval(secs => $4)
where tenant_id = $1
  and change_id = $2
  and lease_holder = $3
  and status in ('running', 'aborting')`,
    [tenantId, changeId, holder, seconds],
  );
}

export class LeaseLost extends Error {
  constructor() {
    super('another instance works on this change');
  }
}

interface ChangeRow {
  readonly tenant_id: string;
  readonly change_id: string;
  readonly entity_id: string;
  readonly entity: string;
  readonly from_version: number;
  readonly document: JsonObject;
  readonly plan: StoredPlan;
  readonly steps_done: number;
  readonly progress: Progress | null;
  readonly created_by: string;
  readonly request_id: string;
}

function stored(row: ChangeRow): StoredChange {
  return {
    ...{ tenantId: row.tenant_id, changeId: row.change_id, entityId: row.entity_id, entity: row.entity },
    ...{ fromVersion: row.from_version, document: row.document, plan: row.plan, stepsDone: row.steps_done },
    ...{ progress: row.progress ?? {}, createdBy: row.created_by, requestId: row.request_id },
  };
}

/** What a client sees of a change. */
export interface ChangeView {
  readonly id: string;
  readonly entity: string;
  readonly fromVersion: number;
  readonly status: ChangeStatus;
  readonly hash: string;
  readonly steps: readonly {
    readonly description: string;
    readonly sql: string;
    readonly state: 'done' | 'running' | 'pending';
  }[];
  /** 0 to 100; of the work by its estimates. */
  readonly percent: number;
  readonly rows: { readonly done: number; readonly total: number } | null;
  readonly error: JsonValue;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
}

/** Newest first; of one entity, or one change. To be run inside the tenant. */
export function changesStatement(tenantId: string, entity: string, changeId: string | null): Statement {
  const time = (column: string): string => `to_json(${column} at time zone 'UTC')#>>'{}'`;
  return {
    text: `select change_id, entity, from_version, status, hash, plan, steps_done, progress, error,
  ${time('created_at')}, created_by, ${time('updated_at')}, ${time('finished_at')}
from business_store_service.schema_changes
where tenant_id = $1
  and entity = $2
  and ($3::uuid is null or change_id = $3::uuid)
order by change_id desc
limit 100`,
    values: [tenantId, entity, changeId],
  };
}

export function readChange(row: Row): ChangeView {
  const [id, entity, fromVersion, status, hash, plan, stepsDone, progress, error, createdAt, createdBy, updatedAt, finishedAt] =
    row as string[];
  const { answer } = JSON.parse(plan as string) as StoredPlan;
  const done = status === 'done' ? answer.steps.length : Number(stepsDone);
  const { rows: rowsDone = 0 } = (progress ? JSON.parse(progress) : {}) as Progress;
  const isRunning = status === 'running' || status === 'aborting';
  const total = answer.steps.reduce((sum, { estimateMs }) => sum + estimateMs, 0);
  const finished = answer.steps.slice(0, done).reduce((sum, { estimateMs }) => sum + estimateMs, 0);
  const current = answer.steps[done];
  const partly = current && answer.rows > 0 ? current.estimateMs * Math.min(1, rowsDone / answer.rows) : 0;
  return {
    ...{
      id: id as string,
      entity: entity as string,
      fromVersion: Number(fromVersion),
      status: status as ChangeStatus,
      hash: hash as string,
    },
    steps: answer.steps.map(({ description, sql }, index) => ({
      ...{ description, sql },
      state: index < done ? 'done' : index === done && isRunning ? 'running' : 'pending',
    })),
    percent: status === 'done' ? 100 : total === 0 ? 0 : Math.floor((100 * (finished + partly)) / total),
    // Counted in whole batches, and records come and go meanwhile.
    rows: isRunning && rowsDone > 0 ? { done: Math.min(rowsDone, answer.rows), total: answer.rows } : null,
    error: error ? (JSON.parse(error) as JsonValue) : null,
    ...{ createdAt: `${createdAt}Z`, createdBy: createdBy as string, updatedAt: `${updatedAt}Z` },
    finishedAt: finishedAt ? `${finishedAt}Z` : null,
  };
}

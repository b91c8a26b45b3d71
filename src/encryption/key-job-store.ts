import type { Actor } from '../database/context-token.js';
import type { SystemTx } from '../database/control-plane.js';
import type { KeyProviderName, KeyPurpose } from '../keys/key-provider.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import type { KeyJob, KeyJobKind, KeyJobStage, KeyJobStatus } from './key-job.js';

/** business_store_service.key_jobs: work on the tenants' keys, and where it stands. */

/** Seconds that a job belongs to whoever works on it; renewed while it does. */
const LEASE_SECONDS = 30;

/** Where a sweep goes on: behind a row of one of the tables that hold what is encrypted. */
export interface Position {
  readonly store: string;
  /** The row's key; empty: from its first. */
  readonly at: readonly string[];
}

/** A job as it is carried out. */
export interface StoredJob {
  readonly tenantId: string;
  readonly id: string;
  readonly kind: KeyJobKind;
  readonly purpose: KeyPurpose | null;
  /** Of the key that takes the other's place. */
  readonly version: number | null;
  readonly provider: KeyProviderName | null;
  readonly keyRef: string | null;
  readonly stage: KeyJobStage;
  readonly position: Position | null;
  readonly done: number;
  readonly total: number;
  readonly by: string;
  readonly requestId: string;
}

/** What is known when it begins. */
export interface NewJob extends Pick<StoredJob, 'tenantId' | 'id' | 'kind' | 'purpose' | 'version' | 'provider' | 'keyRef'> {
  readonly former: { readonly provider: KeyProviderName; readonly keyRef: string } | null;
}

/** What changed; absent: nothing did. */
export interface Noted {
  readonly stage?: KeyJobStage;
  readonly position?: Position | null;
  readonly done?: number;
  readonly total?: number;
  readonly error?: JsonObject | null;
}

const TIME = (column: string): string => `to_json(${column} at time zone 'UTC')#>>'{}'`;

const WORKED_ON = `tenant_id as "tenantId", job_id as id, kind, purpose, version, provider, key_ref as "keyRef", stage, position,
  done::float8 as done, total::float8 as total, created_by as by, request_id as "requestId"`;

/** undefined: another one is under way. */
export async function insertJob(tx: SystemTx, { subject, requestId }: Actor, job: NewJob): Promise<StoredJob | undefined> {
  const { tenantId, id, kind, purpose, version, provider, keyRef, former } = job;
  return tx.first<StoredJob>({
    text: `insert into business_store_service.key_jobs
  (tenant_id, job_id, kind, purpose, version, provider, key_ref, former_provider, former_key_ref, created_by, request_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict do nothing
returning ${WORKED_ON}`,
    values: [
      ...[tenantId, id, kind, purpose, version === null ? null : String(version), provider, keyRef],
      ...[former?.provider ?? null, former?.keyRef ?? null, subject, requestId],
    ],
  });
}

/** Takes one that nobody works on, of any tenant. In the platform's context. */
export async function claimJob(tx: SystemTx, holder: string): Promise<StoredJob | undefined> {
  return tx.first<StoredJob>({
    text: `with next as (
  select tenant_id as tenant, job_id as job
  from business_store_service.key_jobs
  where status = 'running'
    and (held_until is null or held_until < now())
  order by held_until nulls first, created_at
  limit 1
  for update skip locked
)
update business_store_service.key_jobs
set holder = $1,
    held_until = now() + make_interval(secs => $2)
from next
where tenant_id = next.tenant
  and job_id = next.job
returning ${WORKED_ON}`,
    values: [holder, String(LEASE_SECONDS)],
  });
}

/** Notes where it stands and keeps the lease. @throws LeaseLost when somebody else works on it by now */
export async function noteJob(tx: SystemTx, { tenantId, id }: JobKey, holder: string, noted: Noted): Promise<void> {
  const { stage, position, done, total, error } = noted;
  const held = await tx.first({
    text: `update business_store_service.key_jobs
set stage = coalesce($4, stage),
    position = case when $5::boolean then $6::json else position end,
    done = coalesce($7::bigint, done),
    total = coalesce($8::bigint, total),
    error = case when $9::boolean then $10::json else error end,
    held_until = now() + make_interval(secs => $11)
where tenant_id = $1
  and job_id = $2
  and holder = $3
  and status = 'running'
returning job_id`,
    values: [
      ...[tenantId, id, holder, stage ?? null, String(position !== undefined), jsonOrNull(position)],
      ...[numberOrNull(done), numberOrNull(total), String(error !== undefined), jsonOrNull(error), String(LEASE_SECONDS)],
    ],
  });
  if (!held) throw new LeaseLost();
}

/** Whoever comes next may go on with it, in so many seconds. @param error what it waits for */
export async function releaseJob(
  tx: SystemTx,
  { tenantId, id }: JobKey,
  holder: string,
  { seconds, error }: { readonly seconds: number; readonly error: JsonObject | null },
): Promise<void> {
  await tx.run({
    text: `update business_store_service.key_jobs
set held_until = now() + make_interval(secs => $4),
    error = coalesce($5::json, error)
where tenant_id = $1
  and job_id = $2
  and holder = $3
  and status = 'running'`,
    values: [tenantId, id, holder, String(seconds), jsonOrNull(error)],
  });
}

/** @throws LeaseLost */
export async function finishJob(tx: SystemTx, { tenantId, id }: JobKey, holder: string, error: JsonObject | null): Promise<void> {
  const held = await tx.first({
    text: `update business_store_service.key_jobs
set status = $4,
    error = $5::json,
    position = null,
    finished_at = now(),
    holder = null,
    held_until = null
where tenant_id = $1
  and job_id = $2
  and holder = $3
  and status = 'running'
returning job_id`,
    values: [tenantId, id, holder, error === null ? 'done' : 'failed', jsonOrNull(error)],
  });
  if (!held) throw new LeaseLost();
}

/** Newest first, as those see them who asked for them. @param id null: all */
export async function readJobs(tx: SystemTx, tenantId: string, id: string | null): Promise<KeyJob[]> {
  const rows = await tx.run<JobRow>({
    text: `select job_id, kind, purpose, provider, status, stage, done::float8 as done, total::float8 as total, error, created_by,
  ${TIME('created_at')} as created_at, ${TIME('finished_at')} as finished_at
from business_store_service.key_jobs
where tenant_id = $1
  and ($2::uuid is null or job_id = $2::uuid)
order by job_id desc
limit 100`,
    values: [tenantId, id],
  });
  return rows.map(viewOf);
}

export class LeaseLost extends Error {
  constructor() {
    super('another instance works on these keys');
    this.name = 'LeaseLost';
  }
}

type JobKey = Pick<StoredJob, 'tenantId' | 'id'>;

interface JobRow {
  readonly job_id: string;
  readonly kind: KeyJobKind;
  readonly purpose: KeyPurpose | null;
  readonly provider: KeyProviderName | null;
  readonly status: KeyJobStatus;
  readonly stage: KeyJobStage;
  readonly done: number;
  readonly total: number;
  readonly error: JsonValue;
  readonly created_by: string;
  readonly created_at: string;
  readonly finished_at: string | null;
}

function viewOf(row: JobRow): KeyJob {
  const { purpose, provider, error, finished_at: finishedAt } = row;
  return {
    ...{ id: row.job_id, kind: row.kind, status: row.status, stage: row.stage },
    ...(purpose === null ? {} : { purpose }),
    ...(provider === null ? {} : { provider }),
    // Counted before, while others write.
    cells: { done: row.done, total: Math.max(row.done, row.total) },
    ...{ startedAt: `${row.created_at}Z`, finishedAt: finishedAt === null ? null : `${finishedAt}Z`, by: row.created_by },
    ...(error === null ? {} : { error }),
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

function numberOrNull(value: number | undefined): string | null {
  return value === undefined ? null : String(value);
}

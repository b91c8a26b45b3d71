import { setTimeout as wait } from 'node:timers/promises';
import { type Actor, asService, CONTEXT_LIFETIME_SECONDS } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import { tableRef } from '../model/ddl/table-ref.js';
import type { Shadow, TenantHome } from '../model/entity.js';
import { catalogStatement } from '../model/plan/catalog-statement.js';
import { isPrepared, type Step, UNFINISHED } from '../model/plan/operation.js';
import { sizeOf } from '../model/plan/plan.js';
import { isPreparedBeforehand } from '../model/plan/prepared-type.js';
import { readCatalog } from '../model/plan/read-catalog.js';
import { formerProperty, type Transition, transition } from '../model/plan/transition.js';
import { quoteIdent, type Statement } from '../model/sql.js';
import { counted } from '../platform/counted.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { Aborted, Interrupted } from './change-stops.js';
import { finishChange, noteProgress, type Progress, type Since, type StoredChange } from './change-store.js';
import type { LongStatements } from './long-statements.js';
import { patiently } from './patiently.js';
import { entityOf, type Planner } from './planner.js';
import { lockQuietly, waitQuietly } from './quiet-lock.js';
import { ReadDocument } from './read-documents.js';
import { announce } from './registry-changes.js';
import { batchRows, invalidRecords } from './row-facts.js';
import { inTheWay, stale, switchOver } from './switch-over.js';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Of the time a batch took, how long the others have the table to themselves. */
const PAUSE_RATIO = 0.5;

/** Longest a record's `updated_at` may be older than its commit: as long as a context holds, and then one statement. */
const LONGEST_WRITE_SECONDS = CONTEXT_LIFETIME_SECONDS + 600;

export interface Workshop {
  readonly controlPlane: ControlPlane;
  readonly pool: RuntimePool;
  readonly planner: Planner;
  readonly long: LongStatements;
  /** Who holds the lease. */
  readonly holder: string;
  readonly isStopping: () => boolean;
}

/** One change on its way from its first step to its last, from wherever it stands. */
export class Preparation {
  private progress: Progress;
  private stepsDone: number;
  private since: Since | undefined;
  private readonly home: TenantHome;
  private readonly batch: number;

  constructor(
    private readonly shop: Workshop,
    private readonly tenant: Tenant,
    private readonly actor: Actor,
    private readonly change: StoredChange,
  ) {
    this.home = tenant.home;
    this.progress = change.progress;
    this.stepsDone = change.stepsDone;
    this.since = change.progress.since;
    this.batch = batchRows(change.plan.answer);
  }

  /** @throws LeaseLost, Interrupted, Aborted, or what stands in its way */
  async run(): Promise<void> {
    const { change } = this;
    await this.inTenant((tx) => this.heed(tx, {}));
    const after = ReadDocument.of(change.plan.answer.entity, change.document);
    const t = await this.transition(after);
    const steps = change.plan.statements.filter(isPrepared);
    if (this.stepsDone === 0) await this.begin(t, steps);
    while (this.stepsDone < steps.length) await this.step(t, after, steps[this.stepsDone] as Step);
    const { plan } = change;
    await this.patiently(async (tx) => {
      await finishChange(tx, change, this.shop.holder, 'done');
      await switchOver(tx, this.actor, {
        ...{ tenantId: change.tenantId, entityId: change.entityId, fromVersion: change.fromVersion, transition: t, after },
        ...{ batch: this.batch },
        ...{ statements: plan.statements, document: change.document, fingerprint: plan.fingerprint, retargeted: plan.retargeted },
        ...{ restored: plan.restored, descriptions: plan.answer.operations.map(({ description }) => description) },
        ...(plan.pack ? { pack: plan.pack } : {}),
        ...(this.since === undefined ? {} : { since: this.since }),
      });
    });
  }

  /** What the step at hand is for. */
  get description(): string | undefined {
    return this.change.plan.answer.steps[this.stepsDone]?.description;
  }

  private async transition(after: ReadDocument): Promise<Transition> {
    const { entityId, fromVersion, plan } = this.change;
    const { entries, resolve } = await this.shop.planner.stateOf(this.actor, this.tenant);
    const current = entries.find(({ id }) => id === entityId);
    if (current?.version !== fromVersion) throw stale();
    return transition({
      ...{ home: this.home, before: entityOf(current), after: after.entity, resolve, version: fromVersion + 1 },
      ...{ renames: new Map(plan.renames), kept: new Map(plan.kept), guards: new Set(plan.guards) },
    });
  }

  /** Columns and guards that writers must know of appear together with the word that they are there. */
  private async begin(t: Transition, steps: readonly Step[]): Promise<void> {
    const end = steps.findIndex(({ stage }) => stage !== 'prepare-columns' && stage !== 'prepare-constraints');
    const first = steps.slice(0, end < 0 ? steps.length : end);
    if (first.length === 0) return;
    const { change } = this;
    await this.patiently(async (tx) => {
      await lockQuietly(tx, t.home, t.before);
      await tx.asOwner(this.home, [
        `lock table ${tableRef(t.home, t.before)} in access exclusive mode`,
        ...first.map(({ sql }) => sql),
      ]);
      await tx.run({
        text: `update business_store_service.tenant_schemas
set transition = $3
where tenant_id = $1
  and entity_id = $2`,
        values: [change.tenantId, change.entityId, JSON.stringify({ changeId: change.changeId, shadows: shadowsOf(t, change) })],
      });
      await this.heed(tx, { stepsDone: first.length, progress: null });
      const body = { change: change.changeId, changes: change.plan.answer.operations.map(({ description }) => description) };
      await announce(tx, this.actor, change.tenantId, { action: 'entity.change-started', entity: change.entity, body });
    });
    this.done(first.length);
  }

  private async step(t: Transition, after: ReadDocument, step: Step): Promise<void> {
    this.assertWanted();
    const next = this.stepsDone + 1;
    if (step.stage === 'backfill') await this.backfill(t, step);
    else if (step.alone) await this.buildAlone(t, step);
    else if (step.as === 'assert') await this.assertNone(step);
    else if (step.as === 'rules') await this.validate(t, after, step);
    else {
      await this.define(step, next);
      this.done(next);
      return;
    }
    await this.inTenant((tx) => this.heed(tx, this.noted(next)));
    this.done(next);
  }

  /** Done and noted together. */
  private async define({ sql, lock }: Step, next: number): Promise<void> {
    await this.shop.long.run(sql, () =>
      this.patiently(async (tx) => {
        if (lock === 'SHARE UPDATE EXCLUSIVE') await waitQuietly(tx);
        await tx.asOwner(this.home, [sql]);
        await this.heed(tx, this.noted(next));
      }),
    );
  }

  private noted(stepsDone: number): { stepsDone: number; progress: Progress | null } {
    // Outlasts the step: with the lock in hand, what was written before is not read again.
    return { stepsDone, progress: this.since === undefined ? null : { since: this.since } };
  }

  private done(steps: number): void {
    this.stepsDone = steps;
    this.progress = {};
  }

  /** Up to the last record there is now: those that come later meet the guards, and would be run after for ever. */
  private async backfill(t: Transition, { sql }: Step): Promise<void> {
    let { rows = 0, lastId = FIRST_ID } = this.progress;
    const newest = `select id
from ${tableRef(t.home, t.before)}
where tenant_id = $1
order by id desc
limit 1`;
    const [[upTo] = []] = await this.ask({ text: newest, values: [this.change.tenantId] }, true);
    while (typeof upTo === 'string' && lastId < upTo) {
      this.assertWanted();
      const started = performance.now();
      const [row] = await this.ask({ text: sql, values: [this.change.tenantId, lastId, String(this.batch)] }, false);
      const last = row?.[0];
      if (typeof last !== 'string') return;
      lastId = last;
      rows += this.batch;
      await this.inTenant((tx) => this.heed(tx, { progress: { rows, lastId } }));
      await wait((performance.now() - started) * PAUSE_RATIO);
    }
  }

  /**
   * One that was cut off has left an index that Postgres calls invalid: it goes, and is built again. A server does not notice
   * that its client is dead until it is done: somebody else may be building it still, and is waited for.
   */
  private async buildAlone(t: Transition, { sql, makes }: Step): Promise<void> {
    const name = makes?.name as string;
    const found = await this.patiently(async (tx) => {
      await lockQuietly(tx, t.home, t.before);
      const [catalog] = readCatalog(await tx.run<{ catalog: string }>(catalogStatement(this.home.schema, [t.before.table])));
      return catalog?.indexes.find((index) => index.name === name);
    });
    if (found?.valid) return;
    if (found) await this.alone(`drop index concurrently ${quoteIdent(this.home.schema)}.${quoteIdent(name)}`);
    await this.alone(sql);
  }

  private async alone(sql: string): Promise<void> {
    await this.shop.long.run(sql, () => {
      this.assertWanted();
      return this.shop.controlPlane.alone(this.home, sql);
    });
  }

  private async assertNone({ sql }: Step): Promise<void> {
    const { actor, home } = this;
    // Not as a request: a large table may take longer to look through than a statement of a request may.
    const rows = await this.shop.long.run(sql, () =>
      this.inTenant((tx) => tx.asTenant(home, actor, (query) => query({ text: sql, values: [] }))),
    );
    if (rows.length === 0) return;
    throw inTheWay(
      'A value points at nothing.',
      rows.map(([id]) => id as string),
    );
  }

  private async validate(t: Transition, after: ReadDocument, { sql }: Step): Promise<void> {
    const { lastId: from, rows: before = 0 } = this.progress;
    const since = this.progress.since ?? (await this.now());
    const failing = await invalidRecords((statement) => this.ask(statement, true), t, after.validator, sql, {
      ...(from === undefined ? {} : { from }),
      batch: this.batch,
      onBatch: async ({ rows, sample, checked, lastId }) => {
        // Before it is noted: whoever goes on behind this batch does not look at it again.
        assertNoneInvalid(rows, sample);
        this.assertWanted();
        await this.inTenant((tx) => this.heed(tx, { progress: { rows: before + checked, lastId, since } }));
      },
    });
    assertNoneInvalid(failing.rows, failing.sample);
    this.since = since;
  }

  /** This moment, as records written later can be told by. */
  private async now(): Promise<Since> {
    const time = `clock_timestamp() - make_interval(secs => ${LONGEST_WRITE_SECONDS})`;
    const text = `select to_json((${time}) at time zone 'UTC')#>>'{}' || 'Z', pg_current_snapshot()`;
    const [[at, snapshot] = []] = await this.ask({ text, values: [] }, true);
    return { time: at as string, snapshot: snapshot as string };
  }

  private assertWanted(): void {
    if (this.shop.isStopping()) throw new Interrupted();
  }

  private async ask(statement: Statement, readOnly: boolean): Promise<readonly Row[]> {
    return TenantTx.run(this.shop.pool, this.home, asService(this.actor), { readOnly }, (tx) => tx.last(statement));
  }

  private async inTenant<T>(work: (tx: SystemTx) => Promise<T>): Promise<T> {
    return this.shop.controlPlane.inTenant(this.actor, this.home, work);
  }

  private async patiently<T>(work: (tx: SystemTx) => Promise<T>): Promise<T> {
    this.assertWanted();
    return patiently(this.shop.controlPlane, this.actor, this.home, work, this.shop.isStopping);
  }

  /** Notes how far it is, and heeds what was said meanwhile. */
  private async heed(tx: SystemTx, noted: { readonly stepsDone?: number; readonly progress?: Progress | null }): Promise<void> {
    const status = await noteProgress(tx, this.change, this.shop.holder, noted);
    if (status === 'aborting') throw new Aborted();
  }
}

function assertNoneInvalid(rows: number, sample: readonly string[]): void {
  if (rows > 0)
    throw inTheWay(`${counted(rows, 'record')} ${rows === 1 ? 'is' : 'are'} not valid under the new document.`, sample);
}

function shadowsOf(t: Transition, change: StoredChange): Shadow[] {
  const size = sizeOf(change.plan.answer.rows);
  return t.after.properties.flatMap((property) => {
    const was = formerProperty(t, property);
    if (!was || !isPreparedBeforehand(was, property, size)) return [];
    const { type, precision, scale } = property;
    return [
      {
        ...{ property: was.name, column: `${property.column}${UNFINISHED}`, type },
        ...(precision === undefined ? {} : { precision }),
        ...(scale === undefined ? {} : { scale }),
      },
    ];
  });
}

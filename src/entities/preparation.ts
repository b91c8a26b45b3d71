import { setTimeout as wait } from 'node:timers/promises';
import { type Actor, asService } from '../database/context-token.js';
import type { SystemTx } from '../database/control-plane.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import { tableRef } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import type { ServiceBatch } from '../model/plan/batches.js';
import { catalogStatement } from '../model/plan/catalog-statement.js';
import { isPrepared, type Step } from '../model/plan/operation.js';
import { sizeOf } from '../model/plan/plan.js';
import { readCatalog } from '../model/plan/read-catalog.js';
import { shadowsOf, underKeys, withFieldNames } from '../model/plan/shadows.js';
import { type Transition, transition } from '../model/plan/transition.js';
import { isSealed } from '../model/sealed/with-ciphers.js';
import { quoteIdent, type Statement } from '../model/sql.js';
import { counted } from '../platform/counted.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { finishAfterwards, goesOn, SWITCHED, switchedAt } from './afterwards.js';
import { Aborted, Interrupted } from './change-stops.js';
import { finishChange, noteProgress, type Progress, type Since, type StoredChange } from './change-store.js';
import { patiently } from './patiently.js';
import { entityOf } from './planner.js';
import { lockQuietly, waitQuietly } from './quiet-lock.js';
import { ReadDocument } from './read-documents.js';
import { announce } from './registry-changes.js';
import { batchRows, invalidRecords } from './row-facts.js';
import { type Resealed, resealRows, SEALED_BATCH_ROWS } from './service-backfill.js';
import { sinceNow } from './since-now.js';
import { inTheWay, stale, switchOver } from './switch-over.js';
import type { Workshop } from './workshop.js';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Of the time a batch took, how long the others have the table to themselves. */
const PAUSE_RATIO = 0.5;

/** One change on its way from its first step to its last, from wherever it stands. */
export class Preparation {
  private progress: Progress;
  private stepsDone: number;
  private since: Since | undefined;
  isSwitched: boolean;
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
    this.isSwitched = change.progress.switched === true;
    this.batch = batchRows(change.plan.answer);
  }

  /** @throws LeaseLost, Interrupted, Aborted, or what stands in its way */
  async run(): Promise<void> {
    await this.inTenant((tx) => this.heed(tx, {}));
    if (!this.isSwitched) await this.prepareAndSwitch();
    const { shop, tenant, actor, change, stepsDone, progress } = this;
    if (goesOn(change)) await finishAfterwards(shop, tenant, actor, { ...change, stepsDone, progress });
  }

  private async prepareAndSwitch(): Promise<void> {
    const { change } = this;
    const after = ReadDocument.of(change.plan.answer.entity, change.document);
    const t = await this.transition(after);
    const steps = change.plan.statements.filter(isPrepared);
    // Nothing is prepared for what cannot be encrypted at all.
    if (steps.some(({ service }) => service)) await this.shop.keys.open(this.tenant);
    if (this.stepsDone === 0) await this.begin(t, steps);
    while (this.stepsDone < steps.length) await this.step(t, after, steps[this.stepsDone] as Step);
    await this.shop.keys.having(this.tenant, () => this.patiently((tx) => this.finish(tx, t, after)));
    this.isSwitched = true;
    this.done(switchedAt(this.change));
  }

  private async finish(tx: SystemTx, t: Transition, after: ReadDocument): Promise<void> {
    const { change, shop } = this;
    const { tenantId, entityId, fromVersion, plan } = change;
    if (goesOn(change)) await this.heed(tx, { stepsDone: switchedAt(change), progress: SWITCHED });
    else await finishChange(tx, change, shop.holder, 'done');
    await switchOver(tx, this.actor, {
      ...(goesOn(change) ? { during: change.changeId } : {}),
      ...{ tenantId, entityId, fromVersion, after, batch: this.batch },
      transition: underKeys(t, entityId, shop.keys.peek(tenantId)),
      ...{ statements: plan.statements, document: change.document, fingerprint: plan.fingerprint, retargeted: plan.retargeted },
      ...{ restored: plan.restored, descriptions: plan.answer.operations.map(({ description }) => description) },
      ...(plan.pack ? { pack: plan.pack } : {}),
      ...(this.since === undefined ? {} : { since: this.since }),
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
    const told = { renames: new Map(plan.renames), kept: new Map(plan.kept), guards: new Set(plan.guards) };
    const versions = { home: this.home, before: entityOf(current), after: after.entity, resolve, version: fromVersion + 1 };
    return withFieldNames(transition({ ...versions, ...told }), current.fields);
  }

  /** Columns and guards that writers must know of appear together with the word that they are there. */
  private async begin(t: Transition, steps: readonly Step[]): Promise<void> {
    const end = steps.findIndex(({ stage }) => stage !== 'prepare-columns' && stage !== 'prepare-constraints');
    const first = steps.slice(0, end < 0 ? steps.length : end);
    if (first.length === 0) return;
    const { change } = this;
    const shadows = shadowsOf(t, sizeOf(change.plan.answer.rows));
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
        values: [change.tenantId, change.entityId, JSON.stringify({ changeId: change.changeId, shadows })],
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
    if (step.service) await this.reseal(t, step.service);
    else if (step.stage === 'backfill') await this.backfill(t, step);
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
    const newest = `select id
from ${tableRef(t.home, t.before)}
where tenant_id = $1
order by id desc
limit 1`;
    const [[upTo] = []] = await this.ask({ text: newest, values: [this.change.tenantId] }, true);
    await this.inBatches(async (lastId) => {
      if (typeof upTo !== 'string' || lastId >= upTo) return null;
      const [row] = await this.ask({ text: sql, values: [this.change.tenantId, lastId, String(this.batch)] }, false);
      return typeof row?.[0] === 'string' ? { lastId: row[0], rows: this.batch } : null;
    });
  }

  /** Up to the last that needs it: whatever is stored meanwhile has both columns. */
  private async reseal(t: Transition, service: ServiceBatch): Promise<void> {
    const { actor, tenant, shop } = this;
    const most = Math.min(this.batch, SEALED_BATCH_ROWS);
    const whose = { tenant, entityId: this.change.entityId, actor, t };
    await this.inBatches((lastId) => resealRows(shop, whose, service, { lastId, most }));
  }

  /** From where it was cut off; each is noted, and leaves the table to the others for a while. */
  private async inBatches(run: (lastId: string) => Promise<Resealed | null>): Promise<void> {
    let { rows = 0, lastId = FIRST_ID } = this.progress;
    for (;;) {
      this.assertWanted();
      const started = performance.now();
      const done = await run(lastId);
      if (!done) return;
      lastId = done.lastId;
      rows += done.rows;
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
    const since = this.progress.since ?? (await sinceNow((statement) => this.ask(statement, true)));
    const failing = await invalidRecords((statement) => this.ask(statement, true), t, after.validator, sql, {
      ...(from === undefined ? {} : { from }),
      ...(isSealed(t.before) && {
        underKeys: async () => underKeys(t, this.change.entityId, await this.shop.keys.open(this.tenant)),
      }),
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

import { setTimeout as wait } from 'node:timers/promises';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { databaseErrorOf } from '../database/sqlstate.js';
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
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import type { Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import {
  claimChange,
  finishChange,
  LeaseLost,
  noteProgress,
  type Progress,
  releaseChange,
  type StoredChange,
} from './change-store.js';
import { patiently } from './patiently.js';
import { entityOf, type Planner } from './planner.js';
import { ReadDocument } from './read-documents.js';
import { announce } from './registry-changes.js';
import { BATCH_ROWS, invalidRecords } from './row-facts.js';
import { inTheWay, stale, switchOver } from './switch-over.js';

/**
 * Carries out changes that are more than one transaction: prepares step by step, each noted when it is done, then switches over.
 * Whoever holds the lease works; when it lapses, the next instance goes on where the last one was cut off. A change that
 * cannot be finished takes away what it has prepared, and the old version is what it was.
 */

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const HEARTBEAT_MS = 10_000;
const LOOK_MS = 5_000;

/** Seconds until a change that met an outage is tried again. */
const AGAIN_SECONDS = 5;

/** Of the time a batch took, how long the others have the table to themselves. */
const PAUSE_RATIO = 0.5;

export class ChangeRunner {
  private readonly holder = uuidV7();
  private readonly active = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | null = null;
  private stopping = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly planner: Planner,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Looks for changes that nobody works on, now and from time to time. */
  start(): void {
    this.timer = setInterval(() => void this.adopt().catch(this.onError), LOOK_MS);
    this.timer.unref();
    this.adopt().catch(this.onError);
  }

  /** What is under way stops at its next step, to be gone on with elsewhere. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.timer) clearInterval(this.timer);
    await Promise.allSettled(this.active.values());
  }

  /** Owner of the changes this instance begins. */
  get lease(): string {
    return this.holder;
  }

  /** Works on a change whose lease is this instance's. Settles when it is over, and rejects with what stood in its way. */
  run(tenant: Tenant, change: StoredChange): Promise<void> {
    const work = this.work(tenant, change).finally(() => this.active.delete(change.changeId));
    this.active.set(change.changeId, work);
    return work;
  }

  private async adopt(): Promise<void> {
    while (!this.stopping) {
      const change = await this.controlPlane.platform(LOOKING, (tx) => claimChange(tx, this.holder));
      if (!change) return;
      const tenant = await this.directory.find(change.tenantId);
      if (tenant && !this.active.has(change.changeId)) this.run(tenant, change).catch(this.onError);
    }
  }

  private async work(tenant: Tenant, change: StoredChange): Promise<void> {
    const actor: Actor = { subject: change.createdBy, roles: [], requestId: change.requestId };
    const heartbeat = setInterval(() => {
      this.controlPlane.inTenant(actor, tenant.home, (tx) => noteProgress(tx, change, this.holder, {})).catch(() => {});
    }, HEARTBEAT_MS);
    try {
      await new Preparation(
        this.controlPlane,
        this.pool,
        this.planner,
        this.holder,
        tenant,
        actor,
        change,
        () => this.stopping,
      ).run();
    } catch (error) {
      if (error instanceof LeaseLost) return;
      if (error instanceof Interrupted || isPassing(error)) {
        const seconds = error instanceof Interrupted ? 0 : AGAIN_SECONDS;
        await this.controlPlane.inTenant(actor, tenant.home, (tx) => releaseChange(tx, change, this.holder, seconds));
      } else {
        // What becomes of it is told to those who ask about the change; the cause, only to the operator.
        if (!(error instanceof Problem)) this.onError(error);
        await this.undo(tenant, actor, change, error);
      }
      throw error;
    } finally {
      clearInterval(heartbeat);
      this.directory.forget(tenant.id);
    }
  }

  /** Takes away what was prepared. */
  private async undo(tenant: Tenant, actor: Actor, change: StoredChange, error: unknown): Promise<void> {
    const problem = error instanceof Problem ? error : failure(error);
    const aborted = error instanceof Aborted;
    await patiently(this.controlPlane, actor, tenant.home, async (tx) => {
      const before = await this.planner.entityBefore(actor, tenant, change.entityId);
      const [catalog] = readCatalog(await tx.run<{ catalog: string }>(catalogStatement(tenant.home.schema, [before.table])));
      if (!catalog) throw stale();
      const made = new Set(change.plan.statements.flatMap(({ makes }) => makes?.name ?? []));
      const isMade = ({ name }: { readonly name: string }): boolean => made.has(name);
      const ref = tableRef(tenant.home, before);
      await tx.asOwner(tenant.home, [
        ...catalog.constraints.filter(isMade).map(({ name }) => `alter table ${ref} drop constraint ${quoteIdent(name)}`),
        ...catalog.indexes.filter(isMade).map(({ name }) => `drop index ${quoteIdent(tenant.home.schema)}.${quoteIdent(name)}`),
        ...catalog.columns
          .filter((column) => isMade(column) && column.name.endsWith(UNFINISHED))
          .map(({ name }) => `alter table ${ref} drop column ${quoteIdent(name)}`),
      ]);
      await tx.run({
        text: `update business_store_service.tenant_schemas
set transition = null
where tenant_id = $1
  and entity_id = $2`,
        values: [change.tenantId, change.entityId],
      });
      await finishChange(tx, change, this.holder, aborted ? 'aborted' : 'failed', problem.toJSON() as never);
      const body = { change: change.changeId, reason: problem.detail };
      await announce(tx, actor, change.tenantId, { action: 'entity.change-failed', entity: change.entity, body });
    });
  }
}

const LOOKING: Actor = { subject: 'business-store', roles: [], requestId: 'change-runner' };

/** The process is going down. */
class Interrupted extends Error {
  constructor() {
    super('the change was interrupted and goes on with the next start');
  }
}

class Aborted extends Problem {
  constructor() {
    super('entity/change-in-progress', 'The change was aborted. The entity is what it was before.');
  }
}

/** One change on its way from its first step to its last. */
class Preparation {
  private progress: Progress;
  private stepsDone: number;
  private validatedAt: string | undefined;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly planner: Planner,
    private readonly holder: string,
    private readonly tenant: Tenant,
    private readonly actor: Actor,
    private readonly change: StoredChange,
    private readonly isStopping: () => boolean,
  ) {
    this.progress = change.progress;
    this.stepsDone = change.stepsDone;
    this.validatedAt = change.progress.validatedAt;
  }

  async run(): Promise<void> {
    const { change, home } = this;
    const after = ReadDocument.of(change.plan.answer.entity, change.document);
    const t = await this.transition(after);
    const steps = change.plan.statements.filter(isPrepared);
    if (this.stepsDone === 0) await this.begin(t, steps);
    while (this.stepsDone < steps.length) await this.step(t, after, steps[this.stepsDone] as Step);
    const { plan } = change;
    await patiently(this.controlPlane, this.actor, home, async (tx) => {
      await finishChange(tx, change, this.holder, 'done');
      await switchOver(tx, this.actor, {
        ...{ tenantId: change.tenantId, entityId: change.entityId, fromVersion: change.fromVersion, transition: t, after },
        ...{ statements: plan.statements, document: change.document, fingerprint: plan.fingerprint, retargeted: plan.retargeted },
        ...{ restored: plan.restored, descriptions: plan.answer.operations.map(({ description }) => description) },
        ...(plan.pack ? { pack: plan.pack } : {}),
        ...(this.validatedAt === undefined ? {} : { validatedAt: this.validatedAt }),
      });
    });
  }

  private get home(): TenantHome {
    return this.tenant.home;
  }

  private async transition(after: ReadDocument): Promise<Transition> {
    const { entityId, fromVersion, plan } = this.change;
    const { entries, resolve } = await this.planner.stateOf(this.actor, this.tenant);
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
    await patiently(this.controlPlane, this.actor, this.home, async (tx) => {
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
      await this.note(tx, first.length, null);
      const body = { change: change.changeId, changes: change.plan.answer.operations.map(({ description }) => description) };
      await announce(tx, this.actor, change.tenantId, { action: 'entity.change-started', entity: change.entity, body });
    });
    this.done(first.length);
  }

  private async step(t: Transition, after: ReadDocument, step: Step): Promise<void> {
    if (this.isStopping()) throw new Interrupted();
    const next = this.stepsDone + 1;
    if (step.stage === 'backfill') await this.backfill(step);
    else if (step.alone) await this.buildAlone(t, step);
    else if (step.as === 'assert') await this.assertNone(step);
    else if (step.as === 'rules') await this.validate(t, after, step);
    else {
      // Done and noted together.
      await patiently(this.controlPlane, this.actor, this.home, async (tx) => {
        await tx.asOwner(this.home, [step.sql]);
        await this.note(tx, next, null);
      });
      this.done(next);
      return;
    }
    await this.noted(next, this.validatedAt === undefined ? null : { validatedAt: this.validatedAt });
    this.done(next);
  }

  private done(steps: number): void {
    this.stepsDone = steps;
    this.progress = {};
  }

  private async backfill({ sql }: Step): Promise<void> {
    let { rows = 0, lastId = FIRST_ID } = this.progress;
    for (;;) {
      if (this.isStopping()) throw new Interrupted();
      const started = performance.now();
      const [row] = await this.ask({ text: sql, values: [this.change.tenantId, lastId, String(BATCH_ROWS)] }, false);
      const last = row?.[0];
      if (typeof last !== 'string') return;
      lastId = last;
      rows += BATCH_ROWS;
      await this.noted(undefined, { rows, lastId });
      await wait((performance.now() - started) * PAUSE_RATIO);
    }
  }

  /** One that was cut off has left an index that Postgres calls invalid: it goes, and is built again. */
  private async buildAlone(t: Transition, { sql, makes }: Step): Promise<void> {
    const name = makes?.name as string;
    const [catalog] = readCatalog(await this.ask(catalogStatement(this.home.schema, [t.before.table]), true));
    const found = catalog?.indexes.find((index) => index.name === name);
    if (found?.valid) return;
    if (found) {
      await this.controlPlane.alone(this.home, `drop index concurrently ${quoteIdent(this.home.schema)}.${quoteIdent(name)}`);
    }
    await this.controlPlane.alone(this.home, sql);
  }

  private async assertNone({ sql }: Step): Promise<void> {
    const rows = await this.ask({ text: sql, values: [] }, true);
    if (rows.length > 0)
      throw inTheWay(
        'A value points at nothing.',
        rows.map(([id]) => id as string),
      );
  }

  private async validate(t: Transition, after: ReadDocument, { sql }: Step): Promise<void> {
    let { validatedAt, rows: before = 0 } = this.progress;
    if (validatedAt === undefined) {
      // Of writers that began earlier, none commits later than a minute.
      const text = `select to_json((clock_timestamp() - interval '1 minute') at time zone 'UTC')#>>'{}' || 'Z'`;
      validatedAt = (await this.ask({ text, values: [] }, true))[0]?.[0] as string;
    }
    const since = validatedAt;
    const failing = await invalidRecords(
      (statement) => this.ask(statement, true),
      ...([t, after.validator, sql, Number.POSITIVE_INFINITY] as const),
      {
        ...(this.progress.lastId === undefined ? {} : { from: this.progress.lastId }),
        onBatch: async (rows, lastId) => {
          if (this.isStopping()) throw new Interrupted();
          await this.noted(undefined, { rows: before + rows, lastId, validatedAt: since });
        },
      },
    );
    before = 0;
    if (failing.rows > 0) throw inTheWay(`${failing.rows} records are not valid under the new document.`, failing.sample);
    this.validatedAt = since;
  }

  private async ask(statement: Statement, readOnly: boolean): Promise<readonly (readonly (string | null)[])[]> {
    return TenantTx.run(this.pool, this.home, this.actor, { readOnly }, (tx) => tx.last(statement));
  }

  private async noted(stepsDone: number | undefined, progress: Progress | null): Promise<void> {
    await this.controlPlane.inTenant(this.actor, this.home, (tx) => this.note(tx, stepsDone, progress));
  }

  private async note(
    tx: Parameters<typeof noteProgress>[0],
    stepsDone: number | undefined,
    progress: Progress | null,
  ): Promise<void> {
    const status = await noteProgress(tx, this.change, this.holder, {
      ...(stepsDone === undefined ? {} : { stepsDone }),
      progress,
    });
    if (status === 'aborting') throw new Aborted();
  }
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

/** Worth another attempt: the database was away, busy, or broke the connection off. */
function isPassing(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'entity/busy';
  const code = databaseErrorOf(error)?.code;
  return code === undefined ? !(error instanceof TypeError) : /^(08|53|57|58|40|55)/.test(code);
}

/** What Postgres refuses beyond what the plan foresaw: a row that came meanwhile. */
function failure(error: unknown): Problem {
  const { code, constraint } = databaseErrorOf(error) ?? {};
  if (code?.startsWith('23')) {
    return inTheWay(`Records stored since the plan was made break the rule ${JSON.stringify(constraint ?? code)}.`, []);
  }
  return new Problem('entity/plan-stale', 'The table is not what the plan was made for. Plan again.');
}

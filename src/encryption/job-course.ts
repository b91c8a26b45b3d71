import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { patiently } from '../entities/patiently.js';
import type { KeyProviders } from '../keys/key-providers.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import type { JsonObject } from '../platform/json-value.js';
import type { Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { CellSweep } from './cell-sweep.js';
import { type EpochChange, moveEpoch } from './key-changes.js';
import type { KeyJobStage } from './key-job.js';
import { finishJob, type Noted, noteJob, type Position, type StoredJob } from './key-job-store.js';

/** What every work on keys is done with. */
export interface JobTools {
  readonly controlPlane: ControlPlane;
  readonly pool: RuntimePool;
  readonly directory: TenantDirectory;
  readonly keys: TenantKeys;
  readonly providers: KeyProviders;
  /** Who holds the lease. */
  readonly holder: string;
  readonly isStopping: () => boolean;
  readonly onRenewed: (cells: number) => void;
}

/** The process is going down: the work goes on with another instance, or with the next start. */
export class JobStopped extends Error {
  constructor() {
    super('the service is shutting down');
    this.name = 'JobStopped';
  }
}

/** How long steps that wrote nothing are left unnoted: whoever goes on without them looks at some rows twice. */
const NOTE_EVERY_MS = 1_000;

/** One job on its way, from wherever it stands: each step is noted together with what it did, or does the same when it is done twice. */
export class JobCourse {
  stage: KeyJobStage;
  private done: number;
  private total: number;
  private position: Position | null;

  constructor(
    readonly tools: JobTools,
    readonly tenant: Tenant,
    readonly actor: Actor,
    readonly job: StoredJob,
  ) {
    this.stage = job.stage;
    this.done = job.done;
    this.total = job.total;
    this.position = job.position;
  }

  get stepsDone(): number {
    return this.done;
  }

  async note(noted: Noted): Promise<void> {
    await this.inTenant((tx) => this.noteIn(tx, noted));
    this.take(noted);
  }

  /** On to the next stage, with what belongs to it. */
  async enter(stage: KeyJobStage): Promise<void> {
    await this.note({ ...FRESH, stage });
  }

  /** Who writes never waits for it: it gives way to them, and comes again. */
  async moveEpoch(change: EpochChange, next: KeyJobStage): Promise<void> {
    this.assertWanted();
    await this.patiently(async (tx) => {
      await moveEpoch(tx, this.tenant.id, change);
      await this.noteIn(tx, { ...FRESH, stage: next });
    });
    this.take({ ...FRESH, stage: next });
    this.tools.directory.forget(this.tenant.id);
  }

  /** Everything that is stored, and on to the next stage. */
  async sweep(next: KeyJobStage): Promise<void> {
    const sweep = new CellSweep({ ...this.tools, assertWanted: () => this.assertWanted() }, this.tenant, this.actor);
    if (this.position === null) await this.note({ position: START, done: 0, total: await sweep.count() });
    let notedAt = performance.now();
    await sweep.run(this.position?.store ? this.position : null, async (position, renewed) => {
      this.tools.onRenewed(renewed);
      this.done += renewed;
      if (renewed === 0 && performance.now() - notedAt < NOTE_EVERY_MS) return;
      await this.note({ position, done: this.done, error: null });
      notedAt = performance.now();
    });
    // What others wrote meanwhile is done too.
    const all = Math.max(this.done, this.total);
    await this.note({ stage: next, position: null, done: all, total: all, error: null });
  }

  /** With its last change. @param error null: it came to its end */
  async finish(
    event: { readonly action: AuditAction; readonly body: JsonObject },
    last: (tx: SystemTx) => Promise<void> = async () => {},
    error: JsonObject | null = null,
  ): Promise<void> {
    await this.patiently(async (tx) => {
      await last(tx);
      await finishJob(tx, this.job, this.tools.holder, error);
      const body = JSON.stringify({ job: this.job.id, ...event.body });
      await tx.run(auditStatement(this.tenant.id, this.actor, { action: event.action, body }));
    });
    this.tools.directory.forget(this.tenant.id);
  }

  async inTenant<T>(work: (tx: SystemTx) => Promise<T>): Promise<T> {
    return this.tools.controlPlane.inTenant(this.actor, this.tenant.home, work);
  }

  assertWanted(): void {
    if (this.tools.isStopping()) throw new JobStopped();
  }

  private async patiently(work: (tx: SystemTx) => Promise<void>): Promise<void> {
    const { controlPlane, isStopping } = this.tools;
    await patiently(controlPlane, this.actor, this.tenant.home, work, isStopping);
  }

  private async noteIn(tx: SystemTx, noted: Noted): Promise<void> {
    await noteJob(tx, this.job, this.tools.holder, noted);
  }

  private take({ stage, position, done, total }: Noted): void {
    this.stage = stage ?? this.stage;
    this.position = position === undefined ? this.position : position;
    this.done = done ?? this.done;
    this.total = total ?? this.total;
  }
}

const FRESH: Noted = { position: null, done: 0, total: 0, error: null };

/** Counted, and nothing done yet. */
const START: Position = { store: '', at: [] };

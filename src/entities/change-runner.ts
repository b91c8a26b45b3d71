import { setTimeout as wait } from 'node:timers/promises';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem, type ProblemName } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import type { Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { changeStatus } from './change-status.js';
import { Aborted, Interrupted, isPassing } from './change-stops.js';
import { claimChange, LeaseLost, noteProgress, releaseChange, type StoredChange } from './change-store.js';
import { LongStatements } from './long-statements.js';
import type { Planner } from './planner.js';
import { Preparation } from './preparation.js';
import { problemOfChange, undoChange } from './undo-change.js';

/**
 * Carries out changes that are more than one transaction: prepares step by step, each noted when it is done, then switches over.
 * Whoever holds the lease works; when it lapses, the next instance goes on where the last one was cut off. A change that
 * cannot be finished takes away what it has prepared, and the old version is what it was.
 */

const HEARTBEAT_MS = 5_000;
const LOOK_MS = 5_000;

/** Seconds until a change that met an outage is tried again. */
const AGAIN_SECONDS = 5;

/** How often somebody who waits for a change that others work on looks at it. */
const LOOK_AT_ONE_MS = 500;

/** Changes that others left and this instance works on at a time. */
const MOST_ADOPTED = 2;

/** After so long, a statement that does not end by itself is stopped: the process is to end. */
const GRACE_MS = 1_000;

const LOOKING: Actor = { subject: 'business-store', roles: [], requestId: 'change-runner' };

export class ChangeRunner {
  private readonly holder = uuidV7();
  private readonly active = new Map<string, Promise<unknown>>();
  private readonly long: LongStatements;
  private adopting: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private stopping = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly planner: Planner,
    private readonly keys: TenantKeys,
    private readonly onError: (error: unknown) => void,
  ) {
    this.long = new LongStatements(controlPlane);
  }

  /** Looks for changes that nobody works on, now and from time to time. */
  start(): void {
    const look = (): void => {
      this.adopting = this.adopting.then(() => this.adopt()).catch(this.onError);
    };
    this.timer = setInterval(look, LOOK_MS);
    this.timer.unref();
    look();
  }

  /** What is under way stops at its next step, to be gone on with elsewhere. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.adopting;
    const cancelling = setInterval(() => void this.long.cancel().catch(this.onError), GRACE_MS);
    await Promise.allSettled(this.active.values());
    clearInterval(cancelling);
  }

  /** Owner of the changes this instance begins. */
  get lease(): string {
    return this.holder;
  }

  /**
   * Works on a change whose lease is this instance's. Settles when the change is over, whoever has finished it, and rejects with
   * the Problem that stood in its way; with entity/change-in-progress when this instance stops before.
   */
  async run(tenant: Tenant, change: StoredChange): Promise<void> {
    const isOver = await this.track(tenant, change);
    if (!isOver) await this.end(tenant, change);
  }

  private async adopt(): Promise<void> {
    while (!this.stopping && this.active.size < MOST_ADOPTED) {
      const change = await this.controlPlane.platform(LOOKING, (tx) => claimChange(tx, this.holder));
      if (!change) return;
      const tenant = await this.directory.find(change.tenantId);
      if (tenant && !this.active.has(change.changeId)) this.track(tenant, change).catch(() => {});
    }
  }

  private track(tenant: Tenant, change: StoredChange): Promise<boolean> {
    const work = this.work(tenant, change).finally(() => this.active.delete(change.changeId));
    this.active.set(change.changeId, work);
    return work;
  }

  /** True when the change is done, false when it goes on later or elsewhere. */
  private async work(tenant: Tenant, change: StoredChange): Promise<boolean> {
    const actor: Actor = { subject: change.createdBy, roles: [], requestId: change.requestId };
    const { controlPlane, pool, planner, keys, long, holder } = this;
    const isStopping = () => this.stopping;
    const preparation = new Preparation({ controlPlane, pool, planner, keys, long, holder, isStopping }, tenant, actor, change);
    const heartbeat = setInterval(() => void this.beat(tenant, actor, change).catch(() => {}), HEARTBEAT_MS);
    try {
      await preparation.run();
      return true;
    } catch (error) {
      if (error instanceof LeaseLost) return false;
      return await this.ended(tenant, actor, change, error, preparation);
    } finally {
      clearInterval(heartbeat);
      this.directory.forget(tenant.id);
    }
  }

  /** Keeps the lease. A statement that nobody wants any more is stopped. */
  private async beat(tenant: Tenant, actor: Actor, change: StoredChange): Promise<void> {
    const status = await this.controlPlane.inTenant(actor, tenant.home, (tx) => noteProgress(tx, change, this.holder, {}));
    if (status === 'aborting') await this.long.cancel(...change.plan.statements.map(({ sql }) => sql));
  }

  private async ended(
    tenant: Tenant,
    actor: Actor,
    change: StoredChange,
    error: unknown,
    { description: step, isSwitched }: Preparation,
  ): Promise<boolean> {
    const wasStopped = this.stopping && isPassing(error);
    // Nothing that is in force is taken back: what is left is tried until it is done.
    const goesOn = error instanceof Interrupted || wasStopped || isSwitched;
    if (goesOn || (isPassing(error) && !(await this.isCalledOff(tenant, actor, change)))) {
      const seconds = this.stopping ? 0 : AGAIN_SECONDS;
      if (!this.stopping) this.onError(error);
      await this.controlPlane
        .inTenant(actor, tenant.home, (tx) => releaseChange(tx, change, this.holder, seconds))
        // The lease lapses by itself.
        .catch(this.onError);
      return false;
    }
    // What becomes of it is told to those who ask about the change; the cause, only to the operator.
    if (!(error instanceof Problem) && !isPassing(error)) this.onError(error);
    const cause = isPassing(error) ? new Aborted() : error;
    const problem = await problemOfChange(cause, actor, tenant, change, { planner: this.planner, step });
    try {
      await undoChange(this.controlPlane, actor, tenant, change, { holder: this.holder, planner: this.planner, problem });
    } catch (failure) {
      // Tried again by whoever takes the change next, from the step that failed.
      this.onError(failure);
      return false;
    }
    throw problem;
  }

  /** A statement that was stopped because the change was. */
  private async isCalledOff(tenant: Tenant, actor: Actor, change: StoredChange): Promise<boolean> {
    return this.controlPlane
      .inTenant(actor, tenant.home, (tx) => changeStatus(tx, change))
      .then(
        ({ status }) => status === 'aborting',
        () => false,
      );
  }

  /** Waits for the end of a change that is gone on with later or elsewhere. */
  private async end(tenant: Tenant, change: StoredChange): Promise<void> {
    for (;;) {
      if (this.stopping) throw new Interrupted();
      await wait(LOOK_AT_ONE_MS);
      const found = await this.controlPlane.inTenant(LOOKING, tenant.home, (tx) => changeStatus(tx, change)).catch(() => null);
      if (found?.status === 'done') return;
      if (found?.status === 'failed' || found?.status === 'aborted') throw told(found.error ?? {});
    }
  }
}

/** The problem as it was noted. */
function told({ type, title: _, status: __, detail, ...extensions }: JsonObject): Problem {
  const code = String(type).replace('urn:bss:problem:', '') as ProblemName;
  return new Problem(code, String(detail), extensions);
}

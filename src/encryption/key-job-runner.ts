import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { problemOf } from '../database/sqlstate.js';
import { KeyFault } from '../keys/key-provider.js';
import { KeyProviders } from '../keys/key-providers.js';
import { keysDestroyed, keysUnavailable } from '../keys/keys-needed.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import type { JsonObject } from '../platform/json-value.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { JobCourse, JobStopped, type JobTools } from './job-course.js';
import type { KeyJobKind } from './key-job.js';
import { KeyJobMetrics } from './key-job-metrics.js';
import { claimJob, LeaseLost, noteJob, releaseJob, type StoredJob } from './key-job-store.js';
import { rotateKey } from './rotate-key.js';
import { moveKeys, rewrapKeys } from './wrap-keys.js';

/**
 * Carries out work on keys, in the background of the service. Whoever holds the lease works; when it lapses, the next instance goes on where
 * the last one was cut off. What stands in its way is waited for, the key provider above all: half a rotation is as safe as a whole one, and
 * there is no way back that would be quicker than the one ahead.
 */

const HEARTBEAT_MS = 5_000;
const LOOK_MS = 5_000;

/** Seconds until it is tried again, after an outage; and after values that do not open, which somebody has to look after. */
const AGAIN_SECONDS = 5;
const AGAIN_BROKEN_SECONDS = 60;

/** That this instance works on at a time. */
const MOST_AT_ONCE = 2;

const LOOKING: Actor = { subject: 'business-store', roles: [], requestId: 'key-job-runner' };

const COURSES: Readonly<Record<KeyJobKind, (course: JobCourse) => Promise<void>>> = {
  rotate: rotateKey,
  rewrap: rewrapKeys,
  move: moveKeys,
};

@Injectable()
export class KeyJobRunner implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly holder = uuidV7();
  private readonly active = new Map<string, Promise<void>>();
  private looking: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private stopping = false;
  private readonly tools: JobTools;

  constructor(
    private readonly controlPlane: ControlPlane,
    pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly keys: TenantKeys,
    providers: KeyProviders,
    private readonly metrics: KeyJobMetrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.tools = {
      ...{ controlPlane, pool, directory, keys, providers, holder: this.holder },
      isStopping: () => this.stopping,
      onRenewed: (cells) => metrics.rewrote(cells),
    };
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
    this.look();
  }

  /** What is under way stops at its next step. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.looking;
    await Promise.allSettled(this.active.values());
  }

  /** For work that nobody does. */
  look(): void {
    this.looking = this.looking
      .then(() => this.adopt())
      .catch((err: unknown) => this.logger.warn({ err }, 'work on keys could not be looked for and will be again'));
  }

  private async adopt(): Promise<void> {
    while (!this.stopping && this.active.size < MOST_AT_ONCE) {
      const job = await this.controlPlane.platform(LOOKING, (tx) => claimJob(tx, this.holder));
      if (!job) return;
      const tenant = await this.directory.find(job.tenantId);
      if (tenant && !this.active.has(job.id)) this.begin(tenant, job);
    }
  }

  private begin(tenant: Tenant, job: StoredJob): void {
    this.metrics.began();
    const work = this.work(tenant, job).finally(() => {
      this.active.delete(job.id);
      this.metrics.ended();
    });
    this.active.set(job.id, work);
  }

  private async work(tenant: Tenant, job: StoredJob): Promise<void> {
    const actor: Actor = { subject: job.by, roles: [], requestId: job.requestId };
    const course = new JobCourse(this.tools, tenant, actor, job);
    const heartbeat = setInterval(() => void this.beat(tenant, actor, job), HEARTBEAT_MS);
    try {
      // Whoever worked on it before may have gone further than this instance has heard.
      this.keys.forget(tenant.id);
      await COURSES[job.kind](course);
    } catch (error) {
      await this.ended(course, error).catch((err: unknown) =>
        this.logger.warn({ err, job: job.id }, 'work on keys was not put down'),
      );
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** Keeps the lease; whoever has lost it learns so with the next step. */
  private async beat(tenant: Tenant, actor: Actor, job: StoredJob): Promise<void> {
    await this.controlPlane.inTenant(actor, tenant.home, (tx) => noteJob(tx, job, this.holder, {})).catch(() => {});
  }

  private async ended(course: JobCourse, error: unknown): Promise<void> {
    if (error instanceof LeaseLost) return;
    const { job } = course;
    const problem = problemFor(error);
    if (problem?.code === 'key/destroyed') {
      const body = { kind: job.kind, problem: problem.code };
      return course.finish({ action: 'keys.job-failed', body }, undefined, problem.toJSON() as JsonObject);
    }
    const isStopped = this.stopping || error instanceof JobStopped;
    const seconds = isStopped ? 0 : problem?.code === 'key/integrity' ? AGAIN_BROKEN_SECONDS : AGAIN_SECONDS;
    if (!isStopped)
      this.logger.warn({ err: error, tenantId: job.tenantId, job: job.id }, 'work on keys is not finished and goes on');
    const unforeseen = new Problem('service/internal', 'The fault was logged, and the work is tried again.');
    const waitsFor = isStopped ? null : ((problem ?? unforeseen).toJSON() as JsonObject);
    await course.inTenant((tx) => releaseJob(tx, job, this.holder, { seconds, error: waitsFor }));
  }
}

function problemFor(error: unknown): Problem | null {
  if (!(error instanceof KeyFault)) return problemOf(error);
  return error.kind === 'destroyed' ? keysDestroyed() : keysUnavailable();
}

import { Inject, Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { problemOf } from '../database/sqlstate.js';
import { PackLibrary } from '../library/pack-library.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Problem, type ProblemName } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import {
  type Claim,
  giveUpLeases,
  type OpenRollout,
  type Outcome,
  openRollouts,
  RENEW_MS,
  renewLeases,
  takeTurn,
} from './rollout-turn.js';
import { TenantUpgrades } from './tenant-upgrades.js';

/**
 * Works on rollouts in the background of the service, some tenants at a time. Several instances share the work; what one leaves
 * unfinished another picks up when its lease lapses. A tenant that fails is noted, and the others go on.
 */

/** The control plane has five connections, and others want some of them. */
const MOST_AT_ONCE = 3;

/** How soon other instances, resumed tenants and lapsed leases are noticed. */
const LOOK_MS = 2_000;

/** How long a stopping service lets tenants in hand be finished. */
const LAST_TENANT_MS = 3_000;

/** They pass by themselves: a lock somebody holds, a database that restarts. */
const PASSING: ReadonlySet<ProblemName> = new Set([
  'entity/busy',
  'entity/change-in-progress',
  'entity/plan-stale',
  'database/unavailable',
  'database/timeout',
  'database/conflict',
]);

/** The last after some two minutes of waiting. */
const MOST_ATTEMPTS = 7;

const LOOKING: Actor = { subject: 'business-store', roles: [], requestId: 'rollout-runner' };

@Injectable()
export class RolloutRunner {
  private readonly holder = uuidV7();
  /** By tenant. */
  private readonly inHand = new Map<string, Promise<void>>();
  private room = MOST_AT_ONCE;
  private looking: Promise<void> | null = null;
  private again = false;
  private timers: NodeJS.Timeout[] = [];
  private running = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly library: PackLibrary,
    private readonly upgrades: TenantUpgrades,
    private readonly directory: TenantDirectory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  start(): void {
    this.running = true;
    this.timers = [setInterval(() => this.look(), LOOK_MS), setInterval(() => this.renew(), RENEW_MS)];
    for (const timer of this.timers) timer.unref();
    this.look();
  }

  /** Waits for the tenants in hand, within limits; others take over what is left. */
  async stop(): Promise<void> {
    this.running = false;
    for (const timer of this.timers) clearInterval(timer);
    await this.looking;
    let impatience: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      impatience = setTimeout(resolve, LAST_TENANT_MS);
    });
    await Promise.race([Promise.all(this.inHand.values()), patience]);
    clearTimeout(impatience);
    if (this.inHand.size > 0) await this.controlPlane.platform(LOOKING, (tx) => giveUpLeases(tx, this.holder));
  }

  /** There may be something to do. */
  look(): void {
    if (!this.running) return;
    this.again = true;
    this.looking ??= this.lookAround().finally(() => {
      this.looking = null;
    });
  }

  private async lookAround(): Promise<void> {
    try {
      while (this.again && this.running) {
        this.again = false;
        if (this.room === 0) return;
        const open = await this.controlPlane.platform(LOOKING, openRollouts);
        for (const rollout of open) {
          // One that cannot be moved on holds up no other.
          await this.turn(rollout).catch((error: unknown) =>
            this.logger.warn({ err: error, rollout: rollout.id }, 'a rollout could not go on'),
          );
        }
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'rollouts could not be looked at and will be again');
    }
  }

  /** All the room there is goes into the turn, so that two turns at a time do not take it twice. */
  private async turn(rollout: OpenRollout, finished?: { tenantId: string; outcome: Outcome }): Promise<void> {
    const actor = actorOf(rollout);
    const room = this.running ? this.room : 0;
    this.room -= room;
    let claims: readonly Claim[] = [];
    try {
      claims = await this.controlPlane.platform(actor, (tx) => takeTurn(tx, actor, this.holder, rollout.id, room, finished));
    } finally {
      this.room += room - claims.length;
    }
    for (const claim of claims) {
      const { id } = claim.tenant;
      const work = this.work(claim)
        // Not noted, so the lease lapses and somebody tries again.
        .catch((err: unknown) =>
          this.logger.warn({ err, rollout: rollout.id, tenantId: id }, 'the outcome of an upgrade could not be noted'),
        )
        .finally(() => this.inHand.delete(id));
      this.inHand.set(id, work);
    }
  }

  private async work(claim: Claim): Promise<void> {
    const outcome = await this.upgrade(claim);
    this.room += 1;
    await this.turn(claim.rollout, { tenantId: claim.tenant.id, outcome });
    this.directory.forget(claim.tenant.id);
  }

  private async upgrade({ rollout, tenant, state, attempt }: Claim): Promise<Outcome> {
    const actor = actorOf(rollout);
    try {
      const order = { pack: this.library.get(rollout.pack, rollout.version), allow: rollout.allow, rolloutId: rollout.id };
      const upgraded = await this.upgrades.upgrade(actor, tenant, state, order);
      return { status: 'done', complete: (tx) => this.upgrades.complete(tx, actor, tenant, order, upgraded) };
    } catch (error) {
      const problem = problemOf(error);
      // Cut off by the end of this process, which is nobody's fault.
      if (!problem && !this.running) return { status: 'pending', error: {}, retrySeconds: 0 };
      if (!problem) this.logger.error({ err: error, rollout: rollout.id, tenantId: tenant.id }, 'an upgrade failed');
      const told = problem ?? new Problem('service/internal', `The fault was logged, with the rollout's id and the tenant's.`);
      if (PASSING.has(told.code) && (told.code === 'entity/change-in-progress' || attempt < MOST_ATTEMPTS)) {
        return { status: 'pending', error: errorOf(told), retrySeconds: Math.min(60, 2 ** attempt) };
      }
      return { status: 'failed', error: errorOf(told) };
    }
  }

  private renew(): void {
    if (this.inHand.size === 0) return;
    this.controlPlane
      .platform(LOOKING, (tx) => renewLeases(tx, this.holder, [...this.inHand.keys()]))
      .catch((error: unknown) => this.logger.warn({ err: error }, 'leases of a rollout could not be renewed'));
  }
}

/** Everything done for a rollout is done in the name of who created it, under the request that did. */
function actorOf({ createdBy, requestId }: OpenRollout): Actor {
  return { subject: createdBy, roles: ['system_admin'], requestId };
}

/** A problem as it is kept: what to read, without the plan of every statement. */
export function errorOf(problem: Problem): object {
  const { plan: _, errors, ...rest } = problem.toJSON() as { plan?: unknown; errors?: readonly unknown[] };
  return { ...rest, ...(errors ? { errors: errors.slice(0, 20) } : {}) };
}

import { Injectable } from '@nestjs/common';
import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, PLATFORM_ID, type SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { PackLibrary } from '../library/pack-library.js';
import { pointer } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import { type Candidate, DEFAULT_RINGS, nextMove, type Ring, type Rollout, ringsOf } from './rollout.js';
import { RolloutRunner } from './rollout-runner.js';
import { type RolloutView, rolloutView } from './rollout-view.js';
import {
  countTenants,
  findRollout,
  insertRollout,
  listRollouts,
  retryFailed,
  secondsPerTenant,
  skipRest,
  tenantsWithPack,
  updateRollout,
} from './rollouts.store.js';

export interface RolloutOrder {
  readonly pack: string;
  readonly version?: string;
  readonly rings?: readonly Ring[];
  readonly concurrency?: number;
  readonly allow?: readonly string[];
}

/** What a rollout is going to be: who is in it and in which ring. */
export interface PreparedRollout {
  readonly pack: string;
  readonly version: string;
  readonly rings: readonly Ring[];
  /** By tenant id. */
  readonly members: ReadonlyMap<string, number>;
  /** How many have the pack, the version wanted included. */
  readonly tenants: number;
}

const DEFAULT_CONCURRENCY = 4;

/** Creates rollouts and steers them; the work is done by the runner. System administrators only, in the platform's context. */
@Injectable()
export class RolloutsService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly library: PackLibrary,
    private readonly runner: RolloutRunner,
  ) {}

  /** Who is in it is settled here: tenants that come later have the newest version anyway. */
  async create(actor: Actor, order: RolloutOrder): Promise<RolloutView> {
    const id = uuidV7();
    const { concurrency = DEFAULT_CONCURRENCY, allow = [] } = order;
    try {
      await this.controlPlane.platform(actor, async (tx) => {
        const { pack, version, rings, members } = await this.prepare(tx, order);
        const who = { createdBy: actor.subject, requestId: actor.requestId };
        await insertRollout(tx, { id, pack, version, rings, concurrency, allow, ...who }, members);
        await this.tell(
          tx,
          actor,
          'rollout.created',
          { id, pack, version },
          { rings, concurrency, allow, tenants: members.size },
        );
      });
    } catch (error) {
      if (databaseErrorOf(error)?.constraint !== 'rollouts_pack_key') throw error;
      throw await this.underWay(actor, order.pack);
    }
    this.runner.look();
    return this.get(actor, id);
  }

  /** @throws Problem pack/not-found, request/invalid that names each tenant who is not there or does not have the pack */
  async prepare(tx: SystemTx, order: RolloutOrder): Promise<PreparedRollout> {
    const { name: pack, version } = this.library.get(order.pack, order.version);
    const rings = order.rings ?? DEFAULT_RINGS;
    const tenants = await tenantsWithPack(tx, pack);
    const errors = [...shapeFaults(rings), ...nameFaults(rings, tenants, pack)];
    if (errors.length > 0) throw new Problem('request/invalid', 'See errors for each place and rule.', { errors });
    const candidates = tenants.filter((tenant) => tenant.version !== version);
    return { pack, version, rings, members: ringsOf(rings, candidates), tenants: tenants.length };
  }

  /** Newest first. */
  async list(actor: Actor, page: { limit: number; after?: string; pack?: string }): Promise<RolloutView[]> {
    return this.controlPlane.platform(actor, async (tx) => {
      const rollouts = await listRollouts(tx, page);
      const counts = await countTenants(
        tx,
        rollouts.map(({ id }) => id),
      );
      return rollouts.map((rollout) => rolloutView(rollout, counts.get(rollout.id) ?? new Map(), null));
    });
  }

  async get(actor: Actor, id: string): Promise<RolloutView> {
    return this.controlPlane.platform(actor, (tx) => this.view(tx, id));
  }

  /** Tenants in hand are finished, and nobody else begins. */
  pause(actor: Actor, id: string): Promise<RolloutView> {
    return this.steer(actor, id, 'rollout.paused', ['running'], 'paused', async (tx, rollout) => {
      const reason = `paused by ${actor.subject}`;
      await updateRollout(tx, id, { status: 'paused', ring: rollout.ring, reason });
    });
  }

  /** Goes on; with the next ring when this one is over, whoever failed in it. */
  resume(actor: Actor, id: string): Promise<RolloutView> {
    return this.steer(actor, id, 'rollout.resumed', ['paused'], 'running', async (tx, rollout) => {
      const counts = (await countTenants(tx, [id])).get(id) ?? new Map();
      const isOver = nextMove(rollout.ring, counts).to === 'pause';
      const next = [...counts.keys()].filter((ring) => ring > rollout.ring).sort((a, b) => a - b)[0];
      await updateRollout(tx, id, { status: 'running', ring: isOver && next !== undefined ? next : rollout.ring, reason: null });
    });
  }

  /** Tries those again that failed, in the rings so far. */
  async retry(actor: Actor, id: string): Promise<RolloutView> {
    try {
      return await this.steer(actor, id, 'rollout.retried', ['running', 'paused', 'done'], null, async (tx, rollout) => {
        const again = await retryFailed(tx, id, rollout.ring);
        if (again === 0)
          throw new Problem('rollout/conflict', 'No tenant of the rings so far has failed.', { rolloutStatus: rollout.status });
        await updateRollout(tx, id, { status: 'running', ring: rollout.ring, reason: null });
      });
    } catch (error) {
      if (databaseErrorOf(error)?.constraint !== 'rollouts_pack_key') throw error;
      throw await this.underWay(actor, (await this.get(actor, id)).pack);
    }
  }

  /** Tenants in hand are finished; what has been upgraded stays upgraded. */
  cancel(actor: Actor, id: string): Promise<RolloutView> {
    return this.steer(actor, id, 'rollout.cancelled', ['running', 'paused'], 'cancelled', async (tx, rollout) => {
      await skipRest(tx, id);
      await updateRollout(tx, id, { status: 'cancelled', ring: rollout.ring, reason: rollout.reason });
    });
  }

  /** @param already the status in which there is nothing left to do */
  private async steer(
    actor: Actor,
    id: string,
    action: AuditAction,
    from: readonly Rollout['status'][],
    already: Rollout['status'] | null,
    work: (tx: SystemTx, rollout: Rollout) => Promise<void>,
  ): Promise<RolloutView> {
    const view = await this.controlPlane.platform(actor, async (tx) => {
      const rollout = await this.find(tx, id, true);
      if (rollout.status === already) return this.view(tx, id);
      if (!from.includes(rollout.status)) {
        const verb = action.split('.')[1];
        throw new Problem('rollout/conflict', `The rollout is ${rollout.status}: it cannot be ${verb} any more.`, {
          rolloutStatus: rollout.status,
        });
      }
      await work(tx, rollout);
      await this.tell(tx, actor, action, rollout, {});
      return this.view(tx, id);
    });
    this.runner.look();
    return view;
  }

  private async find(tx: SystemTx, id: string, lock = false): Promise<Rollout> {
    const rollout = isUuid(id) ? await findRollout(tx, id, lock) : undefined;
    if (!rollout) throw new Problem('rollout/not-found', 'There is no rollout with this id. GET /api/v1/rollouts lists them.');
    return rollout;
  }

  private async view(tx: SystemTx, id: string): Promise<RolloutView> {
    const rollout = await this.find(tx, id);
    const counts = (await countTenants(tx, [id])).get(id) ?? new Map();
    return rolloutView(rollout, counts, await secondsPerTenant(tx, id));
  }

  private async tell(
    tx: SystemTx,
    actor: Actor,
    action: AuditAction,
    { id, pack, version }: Pick<Rollout, 'id' | 'pack' | 'version'>,
    more: object,
  ): Promise<void> {
    const body = JSON.stringify({ detail: { rollout: id, pack, version, ...more } });
    await tx.run(auditStatement(PLATFORM_ID, actor, { action, body }));
  }

  private async underWay(actor: Actor, pack: string): Promise<Problem> {
    const rollouts = await this.controlPlane.platform(actor, (tx) => listRollouts(tx, { limit: 20, pack }));
    const live = rollouts.find(({ status }) => status === 'running' || status === 'paused');
    return new Problem('rollout/conflict', `Another rollout of the pack ${pack} is under way: wait for it, or cancel it.`, {
      rolloutId: live?.id,
    });
  }
}

function shapeFaults(rings: readonly Ring[]): Fault[] {
  return rings.flatMap((ring, index) => {
    const words = Object.entries(ring).filter(([, value]) => value !== undefined);
    if (words.length === 1) return [];
    return [{ pointer: pointer('/rings', index), rule: 'oneOf', message: 'a ring holds one of tenants, percent and all' }];
  });
}

function nameFaults(rings: readonly Ring[], tenants: readonly Candidate[], pack: string): Fault[] {
  const known = new Set(tenants.flatMap(({ id, slug }) => [id, slug]));
  return rings.flatMap(({ tenants: names }, ring) =>
    (names ?? []).flatMap((name, index) => {
      if (known.has(name.toLowerCase())) return [];
      const at = pointer(pointer(pointer('/rings', ring), 'tenants'), index);
      return [{ pointer: at, rule: 'tenant', message: `no tenant ${JSON.stringify(name)} has the pack ${pack}` }];
    }),
  );
}

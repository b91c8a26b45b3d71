import { Inject, Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { problemOf } from '../database/sqlstate.js';
import { PackLibrary } from '../library/pack-library.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Problem } from '../platform/problem.js';
import { Turns } from '../platform/turns.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { errorOf } from './rollout-runner.js';
import { type RolloutOrder, RolloutsService } from './rollouts.service.js';
import { TenantUpgrades } from './tenant-upgrades.js';

/** What a rollout would meet. */
export interface Rehearsal {
  readonly dryRun: true;
  readonly pack: string;
  readonly version: string;
  /** Tenants that would be upgraded. */
  readonly total: number;
  readonly possible: number;
  readonly impossible: number;
  /** They have the pack, and are in no ring or have the version already. */
  readonly untouched: number;
  /** The first twenty. */
  readonly problems: readonly {
    readonly tenantId: string;
    readonly slug: string;
    readonly ring: number;
    readonly error: object;
  }[];
}

const MOST_PROBLEMS = 20;

/** Plans at the same time; each takes a connection of the pool for tenant traffic. */
const AT_ONCE = 3;

/** Plans the upgrade of every tenant of a rollout and changes nothing. */
@Injectable()
export class RolloutRehearsal {
  private readonly turns = new Turns(AT_ONCE);

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly library: PackLibrary,
    private readonly directory: TenantDirectory,
    private readonly rollouts: RolloutsService,
    private readonly upgrades: TenantUpgrades,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async run(actor: Actor, order: RolloutOrder): Promise<Rehearsal> {
    const { pack, version, members, tenants } = await this.controlPlane.platform(actor, (tx) => this.rollouts.prepare(tx, order));
    const wanted = { pack: this.library.get(pack, version), allow: order.allow ?? [] };
    const checked = [...members].map(([tenantId, ring]) =>
      this.turns.run(async () => {
        const tenant = await this.directory.find(tenantId);
        if (!tenant) return [];
        const error = await this.upgrades.check(actor, tenant, wanted).then(
          () => null,
          (failure: unknown) => this.told(failure, tenantId),
        );
        return error ? [{ tenantId, slug: tenant.slug, ring: ring + 1, error }] : [];
      }),
    );
    const problems = (await Promise.all(checked)).flat();
    return {
      ...{ dryRun: true, pack, version, total: members.size, possible: members.size - problems.length },
      ...{ impossible: problems.length, untouched: tenants - members.size },
      problems: problems.sort((a, b) => a.ring - b.ring).slice(0, MOST_PROBLEMS),
    };
  }

  private told(error: unknown, tenantId: string): object {
    const problem = problemOf(error);
    if (!problem) this.logger.error({ err: error, tenantId }, 'an upgrade could not be planned');
    return errorOf(problem ?? new Problem('service/internal', `The fault was logged, with the tenant's id.`));
  }
}

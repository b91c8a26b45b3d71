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

/** What a rollout would meet, as far as this page of its tenants goes. */
export interface Rehearsal {
  readonly dryRun: true;
  readonly pack: string;
  readonly version: string;
  /** Tenants that would be upgraded, on whatever page. */
  readonly total: number;
  /** They have the pack, and are in no ring or have the version already. */
  readonly untouched: number;
  /** Tenants of this page: each is either possible or impossible. */
  readonly checked: number;
  readonly possible: number;
  readonly impossible: number;
  /** Each of the page that is impossible, by ring. */
  readonly problems: readonly {
    readonly tenantId: string;
    readonly slug: string;
    readonly ring: number;
    readonly error: object;
  }[];
  /** Where the next page begins: to be sent as `after`. Null when this was the last. */
  readonly next: string | null;
}

export const LARGEST_PAGE = 200;

/** Plans at the same time; each takes a connection of the pool for tenant traffic. */
const AT_ONCE = 3;

/**
 * Plans the upgrade of the tenants of a rollout and changes nothing. A tenant takes some 7 ms when its tables are small, and longer
 * the more rows there are to ask, so that no two tenants share a plan; in pages, no answer is long in coming however many there are.
 */
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

  async run(
    actor: Actor,
    order: RolloutOrder,
    { limit, after }: { readonly limit?: number; readonly after?: string },
  ): Promise<Rehearsal> {
    const { pack, version, members, tenants } = await this.controlPlane.platform(actor, (tx) => this.rollouts.prepare(tx, order));
    const left = [...members.keys()].filter((id) => !after || id > after.toLowerCase()).sort();
    const page = left.slice(0, limit ?? LARGEST_PAGE);
    const wanted = { pack: this.library.get(pack, version), allow: order.allow ?? [] };
    const checked = page.map((tenantId) =>
      this.turns.run(async () => {
        const tenant = await this.directory.find(tenantId);
        if (!tenant) return [];
        const error = await this.upgrades.check(actor, tenant, wanted).then(
          () => null,
          (failure: unknown) => this.told(failure, tenantId),
        );
        return error ? [{ tenantId, slug: tenant.slug, ring: (members.get(tenantId) ?? 0) + 1, error }] : [];
      }),
    );
    const problems = (await Promise.all(checked)).flat();
    return {
      ...{ dryRun: true, pack, version, total: members.size, untouched: tenants - members.size },
      ...{ checked: page.length, possible: page.length - problems.length, impossible: problems.length },
      problems: problems.sort((a, b) => a.ring - b.ring),
      next: left.length > page.length ? (page.at(-1) ?? null) : null,
    };
  }

  private told(error: unknown, tenantId: string): object {
    const problem = problemOf(error);
    if (!problem) this.logger.error({ err: error, tenantId }, 'an upgrade could not be planned');
    return errorOf(problem ?? new Problem('service/internal', `The fault was logged, with the tenant's id.`));
  }
}

import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Operation } from '../access/operations.js';
import type { Actor } from '../database/context-token.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { Statement } from '../model/sql.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { ServiceRequest } from './request.js';

/**
 * How many rows a tenant may store. No request counts them: every five seconds the tenants that are adding some are looked up in the
 * statistics that Postgres keeps of each table anyhow, so that the limit is passed by what arrives until then, and refuses whole requests.
 */

const EVERY_MS = 5_000;

/** Tenants counted at the same time. */
const AT_ONCE = 4;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'row-quotas' };

@Injectable()
export class RowQuotas implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly quota: number;
  private readonly full = new Set<string>();
  /** Who has added, or tried to, since they were last looked at. */
  private readonly adding = new Map<string, Tenant>();
  private readonly periodic: Periodic;

  constructor(
    private readonly pool: RuntimePool,
    @Inject(SETTINGS) settings: Settings,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.quota = settings.TENANT_ROWS;
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.look(),
      () => {},
    );
  }

  onApplicationBootstrap(): void {
    if (this.quota > 0) this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
  }

  /** @throws Problem `tenant/full` (403) when the request would add records where there are too many */
  assertMayAdd({ method, params }: ServiceRequest, operation: Operation, tenant: Tenant): void {
    // PUT by a key inserts what is not there; by an id it does not.
    const isKeyed = method === 'PUT' && (params as { id?: string }).id === undefined && operation === 'records.update';
    if (operation === 'records.create' || operation === 'deleted.restore' || isKeyed) this.assertRoom(tenant);
  }

  /** @throws Problem `tenant/full` (403) */
  assertRoom(tenant: Tenant): void {
    if (this.quota === 0) return;
    this.adding.set(tenant.id, tenant);
    if (!this.full.has(tenant.id)) return;
    throw new Problem(
      'tenant/full',
      'The tenant stores as many rows as it may. Delete what is not needed; a few seconds later there is room again.',
      { limit: this.quota },
    );
  }

  private async look(): Promise<void> {
    const tenants = [...this.adding.values()];
    this.adding.clear();
    // Some at once: a tenant whose connections are all in use keeps nobody else from being counted.
    const counting = async (): Promise<void> => {
      for (let tenant = tenants.pop(); tenant && !this.periodic.isStopping; tenant = tenants.pop()) await this.count(tenant);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, counting));
  }

  private async count(tenant: Tenant): Promise<void> {
    try {
      if ((await this.rowsOf(tenant)) >= this.quota) this.full.add(tenant.id);
      else this.full.delete(tenant.id);
    } catch (err) {
      // It stays as it was found last, and is looked at again when it adds more.
      this.logger.warn({ err, tenantId: tenant.id }, 'the rows of a tenant were not counted');
    }
  }

  private async rowsOf({ home }: Tenant): Promise<number> {
    const work = (tx: TenantTx) => tx.last(rowsStatement(home.schema));
    const [[rows] = []] = await TenantTx.run(this.pool, home, ACTOR, { readOnly: true }, work);
    return Number(rows ?? 0);
  }
}

/**
 * Live rows as the cumulative statistics have them, seconds old; without those of the past and of dropped entities, which deleting
 * would not make fewer. After a crash of the server the statistics begin anew: until they know anything of a table, what its last
 * VACUUM or ANALYZE found stands in.
 */
function rowsStatement(schema: string): Statement {
  return {
    name: 'bss_rows_of_tenant',
    text: `select coalesce(sum(
  case
    when pg_stat_get_tuples_inserted(oid) + pg_stat_get_live_tuples(oid) + pg_stat_get_dead_tuples(oid) > 0 then pg_stat_get_live_tuples(oid)
    else greatest(reltuples::bigint, 0)
  end
), 0)
from pg_catalog.pg_class
where relnamespace = to_regnamespace($1)
  and relkind = 'r'
  and relname not like '~%'`,
    values: [schema],
  };
}

import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';
import type { StoredApiKey } from './api-key-lookups.js';

/** When a key was used last, to a minute: noted in memory and written behind the requests, of all keys at once. */

const EVERY_MS = 2_000;
const EXACT_TO_MS = 60_000;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'api-key-uses' };

interface Use {
  readonly tenantId: string;
  readonly at: Date;
}

@Injectable()
export class ApiKeyUses implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly uses = new Map<string, Use>();
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.write(),
      (err) => logger.warn({ err }, 'it was not written down when API keys were used'),
    );
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
    await this.write().catch(() => {});
  }

  note({ id, principal, lastUsedAt }: StoredApiKey, now: number): void {
    if (lastUsedAt !== null && now - lastUsedAt.getTime() < EXACT_TO_MS) return;
    if (!this.uses.has(id)) this.uses.set(id, { tenantId: principal.tenantId, at: new Date(now) });
  }

  private async write(): Promise<void> {
    if (this.uses.size === 0) return;
    const sent = [...this.uses];
    const uses = sent.map(([, use]) => use);
    const values = [uses.map(({ tenantId }) => tenantId), sent.map(([id]) => id), uses.map(({ at }) => at)];
    await this.controlPlane.platform(ACTOR, ({ manager }) => manager.query(WRITE, values));
    for (const [id] of sent) this.uses.delete(id);
  }
}

/** Once a minute, however many instances a key is used at. Rows that somebody is changing are left for the next time. */
const WRITE = `with sent as (
  select *
  from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as use (tenant_id, key_id, used_at)
),
due as (
  select known.tenant_id, known.key_id, sent.used_at
  from business_store_service.api_keys as known
  join sent on sent.tenant_id = known.tenant_id and sent.key_id = known.key_id
  where known.last_used_at is null
    or known.last_used_at <= sent.used_at - interval '${EXACT_TO_MS} milliseconds'
  for update of known skip locked
)
update business_store_service.api_keys as known
set last_used_at = due.used_at
from due
where known.tenant_id = due.tenant_id
  and known.key_id = due.key_id`;

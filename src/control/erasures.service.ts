import { Inject, Injectable } from '@nestjs/common';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { ErasureBody } from './erasure.body.js';

/** Ends what the trail knows of a person's values. Its events stay, with commitments that nobody can open any more. */
@Injectable()
export class ErasuresService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly registry: EntityRegistry,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async erase(actor: Actor, tenant: Tenant, { entity, recordId, reason, dryRun = false }: ErasureBody) {
    // An entity that was dropped has a trail all the same.
    const defined = (await this.registry.of(tenant)).get(entity);
    const events = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const [row] = await tx.run<{ events: string }>({
        text: 'select audit.erase($1, $2) as events',
        values: [recordId, String(dryRun)],
      });
      const erased = Number(row?.events ?? 0);
      if (!dryRun) {
        const body = JSON.stringify({ detail: { events: erased, reason } });
        await tx.run(
          auditStatement(tenant.id, actor, { action: 'audit.erased', entity, recordId: recordId.toLowerCase(), body }),
        );
      }
      return erased;
    });
    const path = `/api/v1/tenants/${tenant.id}`;
    const keeps = defined?.entity.keeps;
    // By the names that they have for ever: with the first version of the document nothing was there before.
    const isSealedLater = defined?.entity.properties.some(({ encrypted }) => encrypted?.field?.endsWith('@1') === false);
    const elsewhere = [
      { what: 'the record, if it lives', path: `${path}/records/${entity}/${recordId}` },
      ...(keeps?.history ? [{ what: 'its former versions', path: `${path}/records/${entity}/${recordId}/history` }] : []),
      ...(keeps?.deleted ? [{ what: 'the record, if it was deleted', path: `${path}/deleted/${entity}/${recordId}` }] : []),
      ...(isSealedLater
        ? [{ what: 'events from before a property was encrypted: they tell its values, unless it was pii then' }]
        : []),
      { what: `answers kept for repeats with an Idempotency-Key, for ${this.settings.IDEMPOTENCY_HOURS} h` },
      { what: 'what was published before and what receivers of webhooks keep, if values were sent there' },
    ];
    return { events, dryRun, elsewhere };
  }
}

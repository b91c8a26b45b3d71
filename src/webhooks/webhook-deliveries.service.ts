import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { Problem } from '../platform/problem.js';
import { isUuid } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { headOf, seqAt } from './tenant-reads.js';
import type { ReplayBody } from './webhook.bodies.js';
import {
  type DeliveryRow,
  deliveriesStatement,
  dueNowStatement,
  replayStatement,
  retryStatement,
  type WebhookRow,
} from './webhook-sql.js';
import { findWebhook, tell } from './webhooks.service.js';

const MOST_REPLAYED = 100_000;

/** What became of what a webhook was sent, and sending it once more. */
@Injectable()
export class WebhookDeliveriesService {
  constructor(private readonly controlPlane: ControlPlane) {}

  /** @throws Problem `webhook/not-found` */
  list(
    actor: Actor,
    tenant: Tenant,
    id: string,
    page: { limit: number; after?: string; status?: string },
  ): Promise<DeliveryRow[]> {
    const { limit, after = null, status = null } = page;
    return this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      await findWebhook(tx, tenant, id);
      return tx.run<DeliveryRow>(deliveriesStatement(tenant.id, id, { after, status, limit }));
    });
  }

  /** At once, and with as many attempts as a new one. @throws Problem `webhook/disabled`, `webhook/delivery-not-found` */
  retry(actor: Actor, tenant: Tenant, id: string, deliveryId: string): Promise<DeliveryRow> {
    return this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      assertEnabled(await findWebhook(tx, tenant, id, 'for update'));
      const row = isUuid(deliveryId) ? await tx.first<DeliveryRow>(retryStatement(tenant.id, id, deliveryId)) : undefined;
      if (!row) {
        throw new Problem(
          'webhook/delivery-not-found',
          'The webhook was sent no event of this id, or it is forgotten. GET …/deliveries lists them; POST …/replay sends any again.',
        );
      }
      await tx.run(dueNowStatement(tenant.id, id));
      return row;
    });
  }

  /** @throws Problem `webhook/disabled`, `webhook/busy`, `request/invalid` */
  replay(actor: Actor, tenant: Tenant, id: string, { fromSeq, from, toSeq }: ReplayBody): Promise<WebhookRow> {
    return this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      assertEnabled(await findWebhook(tx, tenant, id, 'for update'));
      const head = Number(await headOf(tx, tenant, actor));
      const first = fromSeq ?? (await seqAt(tx, tenant, actor, new Date(from ?? 0), head));
      const last = Math.min(toSeq ?? first + MOST_REPLAYED - 1, head);
      const refuse = (pointer: string, rule: string, message: string): Problem =>
        new Problem('request/invalid', 'See errors for each place and rule.', { errors: [{ pointer, rule, message }] });
      const member = fromSeq === undefined ? '/from' : '/fromSeq';
      if (first > last) throw refuse(member, 'range', `names nothing that there is: the latest event is ${head}`);
      if (last - first >= MOST_REPLAYED)
        throw refuse('/toSeq', 'range', `must be at most ${MOST_REPLAYED - 1} more than the first`);
      const row = await tx.first<WebhookRow>(replayStatement(tenant.id, id, first, last));
      if (!row)
        throw new Problem('webhook/busy', 'It is sent earlier events once more already; see replay of GET …/webhooks/{id}.');
      const detail = { webhook: row.webhook_id, fromSeq: first, toSeq: last };
      await tell(tx, actor, tenant, 'webhook.replayed', { detail });
      return row;
    });
  }
}

function assertEnabled({ enabled }: WebhookRow): void {
  if (!enabled) throw new Problem('webhook/disabled', 'It is sent nothing. PATCH it with {"enabled": true} first.');
}

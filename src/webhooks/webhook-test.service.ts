import { Inject, Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { postEvent } from './post-event.js';
import { type PostOutcome, SafeRequests } from './safe-requests.js';
import { REDACTION, type Redaction } from './webhook-message.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { type SecretsRow, secretsStatement, type WebhookRow } from './webhook-sql.js';
import { findWebhook } from './webhooks.service.js';

/** Sends a webhook an event that nothing happened for, and tells what was answered: a status, and how long it took. */
@Injectable()
export class WebhookTestService {
  /** Of webhooks: a test takes up to ten seconds, and more of them at once would only be a load for somebody. */
  private readonly underWay = new Set<string>();

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly secrets: WebhookSecrets,
    private readonly requests: SafeRequests,
    @Inject(REDACTION) private readonly redact: Redaction,
  ) {}

  /** Also of one that is disabled. @throws Problem `webhook/not-found`, `webhook/busy`, `webhook/not-configured` */
  async test(actor: Actor, tenant: Tenant, id: string): Promise<PostOutcome> {
    const { row, sealed } = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const found = await findWebhook(tx, tenant, id);
      return { row: found, sealed: (await tx.first<SecretsRow>(secretsStatement(tenant.id, id))) as SecretsRow };
    });
    const keys = this.secrets.openBoth(tenant.id, row.webhook_id, sealed.secret, sealed.former_secret);
    if (!keys) throw new Problem('webhook/not-configured', 'The secret of the webhook does not open. Rotate it to have another.');
    if (this.underWay.has(row.webhook_id)) throw new Problem('webhook/busy', 'A test of it is under way.');
    this.underWay.add(row.webhook_id);
    const client = this.requests.open();
    try {
      return await postEvent(client, { tenant, url: row.url, include: row.include, keys }, eventOf(row, actor), this.redact);
    } finally {
      this.underWay.delete(row.webhook_id);
      await client.close();
    }
  }
}

function eventOf({ sent_seq: seq }: WebhookRow, { subject: actor, requestId }: Actor) {
  const time = new Date().toISOString();
  return {
    seq: Number(seq),
    id: uuidV7(),
    time,
    actor,
    requestId,
    action: 'webhook.test',
    entity: null,
    recordId: null,
    body: '{}',
  };
}

import { Injectable } from '@nestjs/common';
import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { type Fault, Problem } from '../platform/problem.js';
import { newWebhookSecret, webhookSecretText } from '../platform/standard-webhooks.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { SafeRequests } from './safe-requests.js';
import { headOf } from './tenant-reads.js';
import type { CreateWebhookBody, UpdateWebhookBody } from './webhook.bodies.js';
import { WebhookSecrets } from './webhook-secrets.js';
import {
  countStatement,
  deleteStatement,
  findStatement,
  insertStatement,
  listStatement,
  lockStatement,
  rotateStatement,
  updateStatement,
  type WebhookRow,
  type WebhookWish,
} from './webhook-sql.js';

/** Shown this once. */
interface NewSecret {
  readonly secret: string;
  readonly row: WebhookRow;
}

const MOST_WEBHOOKS = 20;

/** Makes, shows, changes and deletes the webhooks of a tenant, each change together with its line in the tenant's trail. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly registry: EntityRegistry,
    private readonly secrets: WebhookSecrets,
    private readonly requests: SafeRequests,
  ) {}

  /** @throws Problem `request/invalid` (422), `webhook/too-many` (409), `webhook/not-configured` (501) */
  async create(actor: Actor, tenant: Tenant, body: CreateWebhookBody): Promise<NewSecret> {
    this.assertConfigured();
    const { url, description = '', events = ['record.*'], entities = null, include = 'ids', enabled = true } = body;
    const wish = { url, description, events, entities, include, enabled };
    await this.assertPossible(tenant, wish);
    const id = uuidV7();
    const secret = newWebhookSecret();
    const sealed = this.secrets.seal(tenant.id, id, secret);
    const row = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const sentSeq = await headOf(tx, tenant, actor);
      await tx.run(lockStatement(tenant.id));
      const [{ count } = { count: 0 }] = await tx.run<{ count: number }>(countStatement(tenant.id));
      if (count >= MOST_WEBHOOKS) {
        throw new Problem('webhook/too-many', `A tenant has at most ${MOST_WEBHOOKS}. Delete one that is not needed.`);
      }
      const made = { ...wish, id, secret: sealed, createdBy: actor.subject, sentSeq };
      const inserted = await tx.first<WebhookRow>(insertStatement(tenant.id, made));
      await tell(tx, actor, tenant, 'webhook.created', { after: { webhook: id, ...told(wish) } });
      return inserted as WebhookRow;
    });
    return { secret: webhookSecretText(secret), row };
  }

  list(actor: Actor, tenant: Tenant, page: { limit: number; after?: string }): Promise<WebhookRow[]> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) =>
      tx.run<WebhookRow>(listStatement(tenant.id, page.after ?? null, page.limit)),
    );
  }

  /** @throws Problem `webhook/not-found` */
  get(actor: Actor, tenant: Tenant, id: string): Promise<WebhookRow> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) => findWebhook(tx, tenant, id));
  }

  /** Whoever was disabled and is enabled again is sent what happens from now on. @throws Problem as `create` and `get` do */
  async update(actor: Actor, tenant: Tenant, id: string, body: UpdateWebhookBody): Promise<WebhookRow> {
    await this.get(actor, tenant, id);
    await this.assertPossible(tenant, body);
    return this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const row = await findWebhook(tx, tenant, id, 'for update');
      const wish = { ...wishOf(row), ...withoutAbsent(body) };
      const sentSeq = wish.enabled && !row.enabled ? await headOf(tx, tenant, actor) : null;
      const updated = await tx.first<WebhookRow>(updateStatement(tenant.id, id, wish, sentSeq));
      const [before, after] = [told(wishOf(row)), told(wish)];
      await tell(tx, actor, tenant, 'webhook.updated', { before: { webhook: id, ...before }, after: { webhook: id, ...after } });
      return updated as WebhookRow;
    });
  }

  /** Another secret; that of now signs too for the overlap, the one before it no longer. @throws Problem `webhook/not-found` */
  async rotate(actor: Actor, tenant: Tenant, id: string, overlapSeconds: number): Promise<NewSecret> {
    const secret = newWebhookSecret();
    const row = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const { webhook_id: webhook } = await findWebhook(tx, tenant, id, 'for update');
      this.assertConfigured();
      const sealed = this.secrets.seal(tenant.id, webhook, secret);
      const rotated = (await tx.first<WebhookRow>(rotateStatement(tenant.id, webhook, sealed, overlapSeconds))) as WebhookRow;
      await tell(tx, actor, tenant, 'webhook.rotated', { detail: { webhook, formerUntil: rotated.former_until } });
      return rotated;
    });
    return { secret: webhookSecretText(secret), row };
  }

  /** With its deliveries. @throws Problem `webhook/not-found` */
  async delete(actor: Actor, tenant: Tenant, id: string): Promise<void> {
    await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const row = await findWebhook(tx, tenant, id, 'for update');
      await tx.run(deleteStatement(tenant.id, id));
      await tell(tx, actor, tenant, 'webhook.deleted', { before: { webhook: row.webhook_id, ...told(wishOf(row)) } });
    });
  }

  private assertConfigured(): void {
    if (this.secrets.areConfigured) return;
    throw new Problem(
      'webhook/not-configured',
      'The setting WEBHOOK_KEY is missing, which secrets are encrypted with. Whoever runs the service makes one with `openssl rand -base64 32`.',
    );
  }

  private async assertPossible(tenant: Tenant, { url, entities }: Partial<WebhookWish>): Promise<void> {
    const errors: Fault[] = [];
    const fault = url === undefined ? null : this.requests.urlFault(url);
    if (fault !== null) errors.push({ pointer: '/url', rule: 'url', message: `url ${fault}` });
    const known = await this.registry.of(tenant);
    for (const [at, entity] of (entities ?? []).entries()) {
      if (!known.has(entity)) {
        errors.push({ pointer: `/entities/${at}`, rule: 'entity', message: 'must be the name of an entity of the tenant' });
      }
    }
    if (errors.length > 0) throw new Problem('request/invalid', 'See errors for each place and rule.', { errors });
  }
}

/** @throws Problem `webhook/not-found` */
export async function findWebhook(tx: SystemTx, tenant: Tenant, id: string, lock: '' | 'for update' = ''): Promise<WebhookRow> {
  const row = isUuid(id) ? await tx.first<WebhookRow>(findStatement(tenant.id, id, lock)) : undefined;
  if (row) return row;
  throw new Problem('webhook/not-found', 'The tenant has no webhook of this id. GET …/webhooks lists those it has.');
}

export async function tell(tx: SystemTx, actor: Actor, tenant: Tenant, action: AuditAction, body: object): Promise<void> {
  await tx.run(auditStatement(tenant.id, actor, { action, body: JSON.stringify(body) }));
}

function wishOf({ url, description, events, entities, include, enabled }: WebhookRow): WebhookWish {
  return { url, description, events, entities, include, enabled };
}

function withoutAbsent({ url, description, events, entities, include, enabled }: UpdateWebhookBody): Partial<WebhookWish> {
  const given = Object.entries({ url, description, events, entities, include, enabled });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** For the trail, which more people read than may see webhooks: paths and queries of URLs often are secrets. */
function told({ url, ...wish }: WebhookWish): object {
  return { ...wish, origin: new URL(url).origin };
}

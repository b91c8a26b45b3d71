import { Injectable } from '@nestjs/common';
import { ApiKeyForm, type MadeApiKey } from '../access/api-key-form.js';
import { ApiKeyLookups } from '../access/api-key-lookups.js';
import type { TenantRole } from '../access/tenant-role.js';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { Problem } from '../platform/problem.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { CreateApiKeyBody } from './api-key.bodies.js';
import { apiKeyFaults } from './api-key-faults.js';
import {
  type ApiKeyRow,
  findStatement,
  insertStatement,
  listStatement,
  revokeStatement,
  rotateStatement,
} from './api-keys-sql.js';
import { listStatement as rolesStatement } from './roles-sql.js';

/** A key that was made just now: its text is nowhere else. */
interface NewKey {
  readonly key: string;
  readonly row: ApiKeyRow;
}

/** Makes, shows, rotates and revokes the API keys of a tenant, each change together with its line in the tenant's trail. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly registry: EntityRegistry,
    private readonly form: ApiKeyForm,
    private readonly lookups: ApiKeyLookups,
  ) {}

  /** @throws Problem `request/invalid` (422), `key/not-configured` (501) */
  async create(actor: Actor, tenant: Tenant, wanted: CreateApiKeyBody): Promise<NewKey> {
    const { name, roles, scopes = null } = wanted;
    const expiresAt = wanted.expiresAt ? new Date(wanted.expiresAt) : null;
    const entities = await this.registry.of(tenant);
    const id = uuidV7();
    const created = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      // As they are now: another instance may have made one just before.
      const own = new Map((await tx.run<TenantRole>(rolesStatement(tenant.id))).map((role) => [role.name, role]));
      const errors = apiKeyFaults({ roles, scopes, expiresAt }, { tenantId: tenant.id, roles: own, entities });
      if (errors.length > 0) throw new Problem('request/invalid', 'See errors for each place and rule.', { errors });
      const made = this.made(id);
      const key = { id, name, hash: made.hash, roles, scopes, createdBy: actor.subject, expiresAt };
      const row = await tx.first<ApiKeyRow>(insertStatement(tenant.id, key));
      await tx.run(
        auditStatement(tenant.id, actor, {
          action: 'apiKey.created',
          body: JSON.stringify({ after: { apiKey: id, name, roles, scopes, expiresAt } }),
        }),
      );
      return { key: made.text, row: row as ApiKeyRow };
    });
    // Somebody may have guessed at the id before: it is remembered as unknown.
    this.lookups.forget(id);
    return created;
  }

  list(actor: Actor, tenant: Tenant, page: { limit: number; after?: string }): Promise<ApiKeyRow[]> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) =>
      tx.run<ApiKeyRow>(listStatement(tenant.id, page.after ?? null, page.limit)),
    );
  }

  /** @throws Problem `key/not-found` */
  get(actor: Actor, tenant: Tenant, id: string): Promise<ApiKeyRow> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) => find(tx, tenant, id));
  }

  /** Another secret for the same key; that of now holds on for the overlap, the one before it no longer. @throws Problem `key/ended` */
  async rotate(actor: Actor, tenant: Tenant, id: string, overlapSeconds: number): Promise<NewKey> {
    const rotated = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      await find(tx, tenant, id);
      const made = this.made(id);
      const row = await tx.first<ApiKeyRow>(rotateStatement(tenant.id, id, made.hash, overlapSeconds));
      if (!row) throw new Problem('key/ended', 'It has no further secrets: create another key.');
      const body = JSON.stringify({ detail: { apiKey: row.key_id, name: row.name, formerUntil: row.former_until } });
      await tx.run(auditStatement(tenant.id, actor, { action: 'apiKey.rotated', body }));
      return { key: made.text, row };
    });
    this.lookups.forget(rotated.row.key_id);
    return rotated;
  }

  /** For good. A key that is revoked already stays so, and its trail says it once. @throws Problem `key/not-found` */
  async revoke(actor: Actor, tenant: Tenant, id: string): Promise<void> {
    await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const { key_id: apiKey, name } = await find(tx, tenant, id);
      if (!(await tx.first<ApiKeyRow>(revokeStatement(tenant.id, id)))) return;
      const body = JSON.stringify({ detail: { apiKey, name } });
      await tx.run(auditStatement(tenant.id, actor, { action: 'apiKey.revoked', body }));
    });
    this.lookups.forget(id.toLowerCase());
  }

  private made(id: string): MadeApiKey {
    const made = this.form.make(id);
    if (made) return made;
    throw new Problem(
      'key/not-configured',
      'The setting API_KEY_PEPPER is missing, which API keys are hashed with. Whoever runs the service makes one with `openssl rand -base64 32`.',
    );
  }
}

async function find(tx: SystemTx, tenant: Tenant, id: string): Promise<ApiKeyRow> {
  const row = isUuid(id) ? await tx.first<ApiKeyRow>(findStatement(tenant.id, id)) : undefined;
  if (!row) throw new Problem('key/not-found', 'The tenant has no API key of this id. GET …/api-keys lists those it has.');
  return row;
}

import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { RuntimePool } from '../database/runtime-pool.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import { compareEntities } from '../model/change/compare.js';
import { type Renames, renamesBetween } from '../model/change/renames.js';
import { type Compatibility, compatibilityOf } from '../model/plan/compatibility.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { ChangeOutcome, PlanAnswer } from './change-request.js';
import { ChangesService } from './changes.service.js';
import { EntityRegistry } from './entity-registry.js';
import { ReadDocument } from './read-documents.js';

/** The linear history of an entity: every version it ever had, what differs between two, and the way back. */

export interface VersionView {
  readonly version: number;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly document: JsonObject;
}

export interface VersionDifference {
  readonly from: number;
  readonly to: number;
  readonly compatibility: Compatibility;
  readonly changes: readonly { readonly kind: string; readonly pointer: string; readonly message: string }[];
}

export interface RollbackRequest {
  readonly version: number;
  readonly hash?: string;
  readonly allow?: readonly string[];
}

@Injectable()
export class VersionsService {
  constructor(
    private readonly pool: RuntimePool,
    private readonly registry: EntityRegistry,
    private readonly changes: ChangesService,
  ) {}

  /** Newest first. */
  async list(actor: Actor, tenant: Tenant, name: string, page: { limit: number; before?: number }): Promise<VersionView[]> {
    const { id } = await this.registry.get(tenant, name);
    return this.read(actor, tenant, id, { below: page.before ?? 2 ** 31 - 1, limit: page.limit });
  }

  async get(actor: Actor, tenant: Tenant, name: string, version: number): Promise<VersionView> {
    const { id } = await this.registry.get(tenant, name);
    const [found] = await this.read(actor, tenant, id, { below: version + 1, limit: 1 });
    if (found?.version !== version) throw noVersion(version);
    return found;
  }

  async diff(actor: Actor, tenant: Tenant, name: string, from: number, to: number): Promise<VersionDifference> {
    const versions = await this.between(actor, tenant, name, Math.min(from, to), Math.max(from, to));
    const steps = to < from ? versions : [...versions].reverse();
    const [before, after] = [steps[0], steps.at(-1)].map((each) => entityOf(name, (each as VersionView).document));
    if (!before || !after) throw noVersion(from);
    const renames = to < from ? inverted(renamesAlong(name, versions)) : renamesAlong(name, versions);
    const changes = compareEntities(before, after, renames);
    const compatibility = compatibilityOf(changes);
    return { from, to, compatibility, changes: changes.map(({ kind, pointer, message }) => ({ kind, pointer, message })) };
  }

  async planRollback(actor: Actor, tenant: Tenant, name: string, request: RollbackRequest): Promise<PlanAnswer> {
    return this.changes.plan(actor, tenant, name, await this.wayBack(actor, tenant, name, request));
  }

  /** A new version that says what an old one said; renamed properties keep what they hold, dropped ones come back with it. */
  async rollback(actor: Actor, tenant: Tenant, name: string, request: RollbackRequest): Promise<ChangeOutcome> {
    return this.changes.apply(actor, tenant, name, await this.wayBack(actor, tenant, name, request));
  }

  private async wayBack(actor: Actor, tenant: Tenant, name: string, { version, ...request }: RollbackRequest) {
    this.registry.forget(tenant.id);
    const { version: current } = await this.registry.get(tenant, name);
    if (version >= current)
      throw noVersion(version, `Before version ${current}, which is in force, there is none of this number.`);
    const versions = await this.between(actor, tenant, name, version, current);
    const target = versions.at(-1) as VersionView;
    const [now, then] = [versions[0] as VersionView, target].map(({ document }) => entityOf(name, document));
    if (!now || !then) throw noVersion(version);
    const forward = renamesAlong(name, versions);
    const renames = inverted(forward);
    const stays = new Set(now.properties.map((property) => forward.get(property.name) ?? property.name));
    const missing = then.properties.filter((property) => !stays.has(property.name)).map((property) => property.name);
    const kept = await this.kept(actor, tenant, name);
    const restore = missing.filter((property) => kept.has(property));
    return { ...request, document: target.document, renames, restore, fromVersion: current };
  }

  private async kept(actor: Actor, tenant: Tenant, name: string): Promise<ReadonlySet<string>> {
    const { id } = await this.registry.get(tenant, name);
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last({
        text: `select property
from business_store_service.retained_properties
where tenant_id = $1
  and entity_id = $2`,
        values: [tenant.id, id],
      }),
    );
    return new Set(rows.map(([property]) => property as string));
  }

  /** From the newest to the oldest, without a gap. */
  private async between(actor: Actor, tenant: Tenant, name: string, oldest: number, newest: number): Promise<VersionView[]> {
    const { id } = await this.registry.get(tenant, name);
    const found = await this.read(actor, tenant, id, { below: newest + 1, limit: newest - oldest + 1 });
    if (found[0]?.version !== newest) throw noVersion(newest);
    if (found.at(-1)?.version !== oldest) throw noVersion(oldest);
    return found;
  }

  private async read(
    actor: Actor,
    tenant: Tenant,
    entityId: string,
    { below, limit }: { readonly below: number; readonly limit: number },
  ): Promise<VersionView[]> {
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last({
        text: `select version, to_json(created_at at time zone 'UTC')#>>'{}', created_by, document
from business_store_service.entity_versions
where tenant_id = $1
  and entity_id = $2
  and version < $3::bigint
order by version desc
limit $4::bigint`,
        values: [tenant.id, entityId, String(below), String(limit)],
      }),
    );
    return rows.map(readVersion);
  }
}

function readVersion([version, createdAt, createdBy, document]: Row): VersionView {
  return {
    ...{ version: Number(version), createdAt: `${createdAt}Z`, createdBy: createdBy as string },
    document: JSON.parse(document as string) as JsonObject,
  };
}

function entityOf(name: string, document: JsonObject) {
  return ReadDocument.of(name, document).entity;
}

/** New name → old name over all steps; `versions` from the newest to the oldest. */
function renamesAlong(name: string, versions: readonly VersionView[]): Renames {
  let composed = new Map<string, string>();
  const oldestFirst = [...versions].reverse().map(({ document }) => entityOf(name, document));
  for (const [index, after] of oldestFirst.entries()) {
    const before = oldestFirst[index - 1];
    if (!before) continue;
    const step = renamesBetween(before, after);
    const next = new Map<string, string>();
    for (const property of after.properties) {
      const former = step.get(property.name) ?? property.name;
      const origin = composed.get(former) ?? former;
      // A property that was dropped and added again under its name is another one, which a rename would not tell.
      if (origin !== property.name && before.properties.some((old) => old.name === former)) next.set(property.name, origin);
    }
    composed = next;
  }
  const oldest = new Set(oldestFirst[0]?.properties.map((property) => property.name));
  return new Map([...composed].filter(([, origin]) => oldest.has(origin)));
}

function inverted(renames: Renames): Renames {
  return new Map([...renames].map(([name, from]) => [from, name]));
}

function noVersion(
  version: number,
  detail = `There is no version ${version} of this entity. GET …/versions lists them.`,
): Problem {
  return new Problem('entity/version-not-found', detail);
}

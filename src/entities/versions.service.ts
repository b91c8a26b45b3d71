import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { compareEntities } from '../model/change/compare.js';
import type { Renames } from '../model/change/renames.js';
import { type Compatibility, compatibilityOf } from '../model/plan/compatibility.js';
import { whereabouts } from '../model/plan/lineage.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { ChangeOutcome, ChangeRequest, PlanAnswer } from './change-request.js';
import { ChangesService } from './changes.service.js';
import { EntityRegistry } from './entity-registry.js';
import { readRetained, retainedStatement } from './retained-properties.js';
import { entityOf, readVersion, type StoredVersion, stepOf, VERSION_COLUMNS, type VersionView } from './stored-versions.js';

/** The linear history of an entity: every version it ever had, what differs between two, and the way back. */

/** What a rollback asks for, and the name the entity gets. */
interface WayBack {
  readonly name: string;
  readonly request: ChangeRequest;
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
    return (await this.read(actor, tenant, id, { below: page.before ?? 2 ** 31 - 1, limit: page.limit })).map(shownVersion);
  }

  async get(actor: Actor, tenant: Tenant, name: string, version: number): Promise<VersionView> {
    const { id } = await this.registry.get(tenant, name);
    const [found] = await this.read(actor, tenant, id, { below: version + 1, limit: 1 });
    if (found?.version !== version) throw noVersion(version);
    return shownVersion(found);
  }

  async diff(actor: Actor, tenant: Tenant, name: string, from: number, to: number): Promise<VersionDifference> {
    const versions = await this.between(actor, tenant, name, Math.min(from, to), Math.max(from, to));
    const steps = to < from ? versions : [...versions].reverse();
    const [before, after] = [steps[0], steps.at(-1)].map((each) => entityOf(name, (each as VersionView).document));
    if (!before || !after) throw noVersion(from);
    const renames = to < from ? inverted(renamesAlong(name, versions)) : renamesAlong(name, versions);
    const changes = compareEntities(before, after, renames);
    const compatibility = compatibilityOf(changes, { before, after, renames });
    return { from, to, compatibility, changes: changes.map(({ kind, pointer, message }) => ({ kind, pointer, message })) };
  }

  async planRollback(actor: Actor, tenant: Tenant, name: string, request: RollbackRequest): Promise<PlanAnswer> {
    const back = await this.wayBack(actor, tenant, name, request);
    return this.changes.plan(actor, tenant, back.name, back.request);
  }

  /** A new version that says what an old one said; renamed properties keep what they hold, dropped ones come back with it. */
  async rollback(actor: Actor, tenant: Tenant, name: string, request: RollbackRequest): Promise<ChangeOutcome> {
    const back = await this.wayBack(actor, tenant, name, request);
    return this.changes.apply(actor, tenant, back.name, back.request);
  }

  private async wayBack(actor: Actor, tenant: Tenant, name: string, { version, ...request }: RollbackRequest): Promise<WayBack> {
    // Another instance may know of a newer version, which is the one to go back from.
    this.registry.forget(tenant.id);
    const { version: current } = await this.registry.get(tenant, name);
    if (version >= current)
      throw noVersion(version, `Before version ${current}, which is in force, there is none of this number.`);
    const versions = await this.between(actor, tenant, name, version, current);
    const steps = [...versions].reverse().map((each) => stepOf(name, each));
    const target = versions.at(-1) as StoredVersion;
    const columns = await this.retainedColumns(actor, tenant, name);
    const present = new Set(entityOf(name, versions[0]?.document as JsonObject).properties.map((property) => property.name));
    const renames = new Map<string, string>();
    const restore = new Map<string, string>();
    const questions: { property: string; message: string; answer: string }[] = [];
    for (const [property, where] of whereabouts(steps)) {
      if (where.state === 'here' && where.name !== property) renames.set(property, where.name);
      if (where.state !== 'dropped' || !columns.has(where.column)) continue;
      if (present.has(property)) questions.push(sameName(property, version));
      else restore.set(property, where.column);
    }
    const open = questions.filter(({ answer }) => !request.allow?.includes(answer));
    if (open[0]) throw new Problem('entity/needs-answer', `${open[0].message}.`, { questions: open });
    const { document, name: formerName = name } = target;
    return { name: formerName, request: { ...request, document, renames, restore, renamedFrom: name, fromVersion: current } };
  }

  private async retainedColumns(actor: Actor, tenant: Tenant, name: string): Promise<ReadonlySet<string>> {
    const { id } = await this.registry.get(tenant, name);
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last(retainedStatement(tenant.id, id)),
    );
    return new Set(rows.map((row) => readRetained(row).column));
  }

  /** From the newest to the oldest, without a gap. */
  private async between(actor: Actor, tenant: Tenant, name: string, oldest: number, newest: number): Promise<StoredVersion[]> {
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
  ): Promise<StoredVersion[]> {
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last({
        text: `select ${VERSION_COLUMNS}
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

function shownVersion({ lineage: _, fields: __, ...view }: StoredVersion): VersionView {
  return view;
}

/** New name → old name over all steps; `versions` from the newest to the oldest. */
function renamesAlong(name: string, versions: readonly StoredVersion[]): Renames {
  const found = whereabouts([...versions].reverse().map((each) => stepOf(name, each)));
  return new Map(
    [...found].flatMap(([origin, where]) => (where.state === 'here' && where.name !== origin ? [[where.name, origin]] : [])),
  );
}

function sameName(property: string, version: number) {
  const name = JSON.stringify(property);
  const message =
    `the ${name} of version ${version} was dropped and is kept, and another property is called ${name} now. To bring the old one ` +
    `back, rename or drop the present one first; to go on with the present one, allow "keep:${property}"`;
  return { property, message, answer: `keep:${property}` };
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

import { Injectable } from '@nestjs/common';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { wakeOthers } from '../database/wake-up.js';
import { ChangesService } from '../entities/changes.service.js';
import { assertMayApply } from '../entities/plan-refusals.js';
import { type Additions, conflictsOf, withAdditions } from '../model/packs/additions.js';
import type { Pack } from '../model/packs/pack.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { moveTenantPack, type PackEntityState, type PackState, readPackState } from './packs.store.js';

type PackEntity = Pack['entities'][number];

/** What one tenant's upgrade is made for. */
export interface UpgradeOrder {
  readonly pack: Pack;
  readonly allow: readonly string[];
  readonly rolloutId: string;
}

/** What is left to be noted of an upgrade. */
export interface Upgraded {
  readonly from: string;
  /** Entities that changed. */
  readonly changed: readonly string[];
}

/** An entity on its way to the pack's new version, with what the tenant added to it. */
interface UpgradeStep {
  readonly name: string;
  readonly document: JsonObject;
  readonly additions: JsonObject;
  /** Absent: the tenant does not have the entity yet. */
  readonly fromVersion?: number;
}

/** No entity's document is the same object in two tenants, but nearly all are the same text. */
const LARGEST_CACHE = 2_000;

/**
 * Takes one tenant from one version of a pack to another: entity by entity, each its own transaction, and the tenant's version
 * last. What was cut off is finished by doing it again: a document that is in force already changes nothing.
 */
@Injectable()
export class TenantUpgrades {
  private readonly documents = new Map<string, { document: JsonObject; text: string }>();

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly changes: ChangesService,
  ) {}

  /**
   * Changes the entities; `complete` notes it in a transaction of the caller.
   * @throws Problem pack/conflict before anything is done; whatever a change of an entity is refused with, its `entity` named
   */
  async upgrade(actor: Actor, tenant: Tenant, state: PackState, { pack, allow }: UpgradeOrder): Promise<Upgraded> {
    const { from, steps } = this.steps(state, pack);
    for (const { name, document, additions, fromVersion } of steps) {
      // Made from what the tenant had added by then: what somebody adds meanwhile must not be undone.
      const request = { document, allow, fromVersion, pack: { pack: pack.name, version: pack.version, additions } };
      await naming(name, this.changes.apply(actor, tenant, name, request, { waitMs: Infinity }));
    }
    return { from, changed: steps.map(({ name }) => name) };
  }

  /** In the tenant's context or the platform's, as `actor`. */
  async complete(
    tx: SystemTx,
    actor: Actor,
    tenant: Tenant,
    { pack, rolloutId }: UpgradeOrder,
    { from, changed }: Upgraded,
  ): Promise<void> {
    const entities = pack.entities.map(({ name }) => name);
    await moveTenantPack(tx, tenant.id, { pack: pack.name, version: pack.version, entities });
    const body = {
      before: { version: from },
      after: { version: pack.version },
      detail: { pack: pack.name, rollout: rolloutId, changed },
    };
    await tx.run(auditStatement(tenant.id, actor, { action: 'pack.upgraded', body: JSON.stringify(body) }));
    await wakeOthers(tx);
  }

  /** Whether the upgrade would be carried out as things are. Changes nothing. @throws Problem as `upgrade` would */
  async check(actor: Actor, tenant: Tenant, { pack, allow }: Omit<UpgradeOrder, 'rolloutId'>): Promise<void> {
    const state = await this.controlPlane.inTenant(actor, tenant.home, (tx) => readPackState(tx, tenant.id, pack.name));
    const existing = this.steps(state, pack).steps.filter(({ fromVersion }) => fromVersion !== undefined);
    for (const [index, { name, document, additions }] of existing.entries()) {
      const origin = { pack: pack.name, version: pack.version, additions };
      const planning = naming(name, this.changes.plan(actor, tenant, name, { document, allow, pack: origin }));
      const plan = await planning.catch((error: unknown) => {
        // It may lead to what an entity before it does not have yet.
        if (error instanceof Problem && error.code === 'entity/invalid-document' && index > 0) return null;
        throw error;
      });
      if (plan) assertMayApply(plan, { document, allow });
    }
  }

  /** Only entities that change. @throws Problem pack/conflict with every place in which pack and tenant do not fit together */
  private steps({ version, entities, names }: PackState, pack: Pack): { from: string; steps: UpgradeStep[] } {
    if (version === null)
      throw new Problem('pack/conflict', `The tenant does not have the pack ${pack.name}.`, { pack: pack.name });
    const added = pack.entities.filter((entity) => !currentOf(entities, entity));
    const taken = added.flatMap(({ name }) => (names.includes(name) ? [name] : []));
    if (taken.length > 0) {
      const quoted = taken.map((name) => JSON.stringify(name)).join(', ');
      throw new Problem(
        'pack/conflict',
        `The new version brings entities that are called as the tenant's own: ${quoted}. Rename the tenant's first.`,
        { entities: taken },
      );
    }
    const steps = pack.entities.flatMap((entity) => {
      const current = currentOf(entities, entity);
      const { document, text } = this.effective(pack, entity, current?.additions ?? '{}');
      if (current?.text === text) return [];
      const additions = JSON.parse(current?.additions ?? '{}') as JsonObject;
      return [{ name: entity.name, document, additions, fromVersion: current?.version }];
    });
    return { from: version, steps };
  }

  /** The pack's document with what a tenant added, read and merged once for all tenants that added the same. */
  private effective(pack: Pack, entity: PackEntity, additions: string): { document: JsonObject; text: string } {
    const key = `${pack.name}@${pack.version} ${entity.name} ${additions}`;
    const known = this.documents.get(key);
    if (known) return known;
    const own = JSON.parse(additions) as Additions;
    const errors = conflictsOf(entity.document, own);
    if (errors.length > 0) {
      throw new Problem(
        'pack/conflict',
        `What the tenant added to ${JSON.stringify(entity.name)} does not fit with the new version of the pack: ${errors[0]?.message}.`,
        { entity: entity.name, errors },
      );
    }
    const document = withAdditions(entity.document, own);
    const made = { document, text: JSON.stringify(document) };
    if (this.documents.size >= LARGEST_CACHE) this.documents.clear();
    this.documents.set(key, made);
    return made;
  }
}

/** As it is called now, or was before the pack renamed it. */
function currentOf(existing: readonly PackEntityState[], { name, document }: PackEntity): PackEntityState | undefined {
  return existing.find((entity) => entity.name === name) ?? existing.find((entity) => entity.name === document.renamedFrom);
}

/** A refusal says which entity it is about. */
async function naming<T>(entity: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Problem(error.code, error.detail, { ...error.extensions, entity }, error.headers);
  }
}

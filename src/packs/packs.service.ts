import { Injectable } from '@nestjs/common';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { createEntities } from '../entities/create-entities.js';
import { ReadDocument } from '../entities/read-documents.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { PackLibrary } from '../library/pack-library.js';
import type { Pack } from '../model/packs/pack.js';
import { isSealed } from '../model/sealed/with-ciphers.js';
import type { JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory, tenantOf } from '../tenants/tenant-directory.js';
import { TenantsService } from '../tenants/tenants.service.js';
import { insertTenantPack, readTenantPacks, type TenantPack, takenNames } from './packs.store.js';

/** Installs packs into tenants, new ones and those that exist. Upgrades are rollouts. */
@Injectable()
export class PacksService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly library: PackLibrary,
    private readonly tenants: TenantsService,
    private readonly directory: TenantDirectory,
    private readonly keys: TenantKeys,
  ) {}

  /** @param references such as `security` or `security@1.0.0`. @throws Problem pack/not-found */
  named(references: readonly string[]): Pack[] {
    return references.map((reference) => {
      const [name = '', version] = reference.split('@');
      return this.library.get(name, version);
    });
  }

  /**
   * Makes the packs' entities in the caller's transaction, in the tenant's context.
   * @throws Problem pack/conflict when a name is taken, or two packs have the same
   */
  async fill(tx: SystemTx, actor: Actor, tenant: Tenant, packs: readonly Pack[]): Promise<void> {
    if (packs.length === 0) return;
    const wanted = packs.flatMap(({ name: pack, version, entities }) =>
      entities.map(({ name, document }) => ({ name, document, pack: { pack, version, additions: {} } })),
    );
    const twice = wanted.find(({ name }, index) => wanted.findIndex((other) => other.name === name) < index);
    if (twice) {
      throw new Problem('pack/conflict', `Two of the packs have an entity ${JSON.stringify(twice.name)}: install one of them.`, {
        entities: [twice.name],
      });
    }
    // Without a provider nothing is made; where there is one, a new tenant gets its keys with its first encrypted value.
    if (wanted.some(encrypts)) this.keys.assertPossible();
    await createEntities(tx, actor, tenant, wanted);
    for (const { name, version, entities } of packs) {
      await insertTenantPack(tx, tenant.id, name, version);
      const body = JSON.stringify({ after: { pack: name, version, entities: entities.map((entity) => entity.name) } });
      await tx.run(auditStatement(tenant.id, actor, { action: 'pack.installed', body }));
    }
  }

  async list(actor: Actor, tenantId: string): Promise<TenantPack[]> {
    const { id } = await this.tenants.get(actor, tenantId);
    return this.controlPlane.platform(actor, (tx) => readTenantPacks(tx, id));
  }

  /** All of the pack's entities, or nothing. @throws Problem pack/not-found, pack/conflict, tenant/not-found */
  async install(actor: Actor, tenantId: string, wanted: { pack: string; version?: string }): Promise<TenantPack> {
    const pack = this.library.get(wanted.pack, wanted.version);
    const tenant = tenantOf(await this.tenants.get(actor, tenantId));
    if (pack.entities.some(encrypts)) await this.keys.open(tenant);
    const work = this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      await assertRoom(tx, tenant, pack);
      await this.fill(tx, actor, tenant, [pack]);
      return (await readTenantPacks(tx, tenant.id)).find(({ name }) => name === pack.name) as TenantPack;
    });
    const installed = await work.catch((error: unknown) => {
      // Somebody was quicker, between the look and the lock.
      if (error instanceof Problem && error.code === 'entity/exists') throw taken(pack, [String(error.extensions.entity)]);
      if (databaseErrorOf(error)?.constraint === 'tenant_packs_pkey') throw present(pack.name);
      throw error;
    });
    this.directory.forget(tenant.id);
    return installed;
  }
}

function encrypts({ name, document }: { readonly name: string; readonly document: JsonValue }): boolean {
  return isSealed(ReadDocument.of(name, document).entity);
}

async function assertRoom(tx: SystemTx, tenant: Tenant, pack: Pack): Promise<void> {
  const existing = (await readTenantPacks(tx, tenant.id)).find(({ name }) => name === pack.name);
  if (existing) throw present(pack.name, existing.version);
  const names = await takenNames(
    tx,
    tenant.id,
    pack.entities.map(({ name }) => name),
  );
  if (names.length > 0) throw taken(pack, names);
}

function present(pack: string, version?: string): Problem {
  const which = version === undefined ? 'already' : `in version ${version}`;
  return new Problem(
    'pack/conflict',
    `The tenant has the pack ${pack} ${which}. Another version comes with a rollout: POST /api/v1/rollouts.`,
    {
      pack,
      ...(version === undefined ? {} : { version }),
    },
  );
}

function taken(pack: Pack, entities: readonly string[]): Problem {
  const names = entities.map((name) => JSON.stringify(name)).join(', ');
  return new Problem(
    'pack/conflict',
    `The tenant has entities of its own that are called as the pack's: ${names}. Rename them first, then install ${pack.name}.`,
    { entities },
  );
}

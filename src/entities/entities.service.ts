import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { wakeOthers } from '../database/wake-up.js';
import { additiveDdl } from '../model/change/additive-ddl.js';
import type { Change } from '../model/change/change.js';
import { compareEntities } from '../model/change/compare.js';
import { addRelations, type Resolve } from '../model/ddl/add-relation.js';
import { createTable } from '../model/ddl/create-table.js';
import { addExtraGuard } from '../model/ddl/extra-guard.js';
import { relationFaults } from '../model/ddl/relation-faults.js';
import { readEntity } from '../model/document/read-entity.js';
import type { Entity, Property } from '../model/entity.js';
import { defaultFaults } from '../model/validation/default-faults.js';
import { compileValidator } from '../model/validation/validator.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import { TenantRow } from '../tenants/tenant.row.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { EntityVersionRow, TenantSchemaRow } from './entity.rows.js';
import { EntityRegistry } from './entity-registry.js';

export interface Definition {
  readonly name: string;
  readonly version: number;
  readonly document: JsonObject;
}

/** Most entities a tenant may have. */
const LARGEST_TENANT = 1_000;

/** Longest a definition waits for a table's lock: readers and writers queue behind it for as long. */
const LOCK_TIMEOUT = '2s';

/**
 * Defines entities: table, constraints, indexes, relations, policies, grants, registry row, version row and audit row in
 * one transaction. What is not purely additive is refused with the list of what is in the way.
 */
@Injectable()
export class EntitiesService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly registry: EntityRegistry,
    private readonly directory: TenantDirectory,
  ) {}

  async list(tenant: Tenant): Promise<Definition[]> {
    const entities = await this.registry.of(tenant);
    return [...entities.values()].map(({ name, version, document }) => ({ name, version, document }));
  }

  async get(tenant: Tenant, name: string): Promise<Definition> {
    const { version, document } = await this.registry.get(tenant, name);
    return { name, version, document };
  }

  /** `created` says whether the entity is new; an unchanged document makes no new version. */
  async define(
    actor: Actor,
    tenant: Tenant,
    name: string,
    body: JsonValue,
  ): Promise<{ created: boolean; definition: Definition }> {
    const entity = readEntity(name, body);
    if (!isJsonObject(body)) throw new Error('readEntity accepts objects only');
    // Reading and compiling a document at its limits each take tens of milliseconds: others get a turn between.
    await setImmediate();
    // Whatever the validator cannot compile, and a default it would refuse, must be told now, not at the first record.
    const validator = compileValidator(entity);
    await setImmediate();
    const errors = defaultFaults(entity, validator);
    if (errors.length > 0)
      throw new Problem('entity/invalid-document', 'A default breaks the rules of its property.', { errors });
    try {
      const result = await this.controlPlane.inTenant(actor, tenant.home, (tx) => this.apply(tx, actor, tenant, entity, body));
      this.directory.forget(tenant.id);
      return result;
    } catch (error) {
      if (databaseErrorOf(error)?.code === '55P03') {
        throw new Problem(
          'entity/busy',
          'A long transaction uses the table, or another definition of this tenant is being applied. Send the document again.',
          {},
          { 'Retry-After': '2' },
        );
      }
      throw error;
    }
  }

  private async apply(tx: SystemTx, actor: Actor, tenant: Tenant, entity: Entity, document: JsonObject) {
    await tx.manager.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    // One definition at a time per tenant: the lock on its registry row.
    await tx.manager.findOneOrFail(TenantRow, { where: { id: tenant.id }, lock: { mode: 'pessimistic_write' } });
    const rows = await tx.manager.findBy(TenantSchemaRow, { tenantId: tenant.id });
    const current = rows.find((row) => row.name === entity.name);
    if (!current && rows.length >= LARGEST_TENANT) {
      throw new Problem('entity/invalid-document', `A tenant has at most ${LARGEST_TENANT} entities.`, { limit: LARGEST_TENANT });
    }
    const resolve: Resolve = (name) => {
      const row = rows.find((candidate) => candidate.name === name);
      return row && entityOf(row);
    };
    const errors = relationFaults(entity, resolve);
    if (errors.length > 0) throw new Problem('entity/invalid-document', 'A relation of the document does not hold.', { errors });

    const before = current && entityOf(current);
    if (before && current && JSON.stringify(current.document) === JSON.stringify(document)) {
      return { created: false, definition: { name: entity.name, version: current.version, document } };
    }
    if (before) {
      const changes = compareEntities(before, entity);
      await this.guardExtras(tx, tenant, entity, changes);
      await tx.asOwner(tenant.home, additiveDdl(tenant.home, before, entity, resolve));
    } else {
      await tx.asOwner(tenant.home, [...createTable(tenant.home, entity), ...addRelations(tenant.home, entity, resolve)]);
    }
    const version = (current?.version ?? 0) + 1;
    await this.note(tx, actor, tenant, current?.entityId ?? uuidV7(), { name: entity.name, version, document });
    return { created: !current, definition: { name: entity.name, version, document } };
  }

  /** @throws Problem entity/needs-plan unless every change is additive, or proves to be so on the rows there are. */
  private async guardExtras(tx: SystemTx, tenant: Tenant, after: Entity, changes: readonly Change[]): Promise<void> {
    const probes = changes.filter((change) => change.needsCheck === 'extras');
    const obstacles = changes.filter((change) => !change.additive && change.needsCheck === undefined);
    for (const probe of obstacles.length === 0 ? probes : []) {
      const property = after.properties.find(({ name }) => name === probe.property) as Property;
      await tx.manager.query('savepoint extras');
      try {
        // Not a SELECT: the owner of a table under FORCE RLS would see no row of it.
        await tx.asOwner(tenant.home, [addExtraGuard(tenant.home, after, property)]);
      } catch (error) {
        if (databaseErrorOf(error)?.code !== '23514') throw error;
        await tx.manager.query('rollback to savepoint extras');
        obstacles.push(probe);
      }
    }
    if (obstacles.length === 0) return;
    throw new Problem(
      'entity/needs-plan',
      'The document changes more than can be applied at once. Keep what exists and only add to it.',
      {
        changes: obstacles.map(({ kind, pointer, message }) => ({ kind, pointer, message })),
      },
    );
  }

  private async note(tx: SystemTx, actor: Actor, tenant: Tenant, entityId: string, definition: Definition): Promise<void> {
    const { name, version, document } = definition;
    const key = { tenantId: tenant.id, entityId };
    if (version === 1) await tx.manager.insert(TenantSchemaRow, { ...key, name, version, document });
    else await tx.manager.update(TenantSchemaRow, key, { version, document, updatedAt: () => 'now()' });
    await tx.manager.insert(EntityVersionRow, {
      ...key,
      version,
      document,
      createdBy: actor.subject,
      requestId: actor.requestId,
    });
    await tx.manager.update(TenantRow, { id: tenant.id }, { changedAt: () => 'clock_timestamp()' });
    const body = JSON.stringify({ after: { version, document } });
    await tx.run(auditStatement(tenant.id, actor, { action: 'entity.defined', entity: name, body }));
    await wakeOthers(tx);
  }
}

function entityOf(row: TenantSchemaRow): Entity {
  return readEntity(row.name, row.document as JsonObject);
}

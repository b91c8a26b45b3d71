import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import type { JsonValue } from '../platform/json-value.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { ChangeOutcome, Definition } from './change-request.js';
import { ChangesService, definitionOf } from './changes.service.js';
import { EntityRegistry } from './entity-registry.js';

/** The definitions in force, and the short way to change one: whatever is safe is applied at once, all else is answered with its plan. */
@Injectable()
export class EntitiesService {
  constructor(
    private readonly registry: EntityRegistry,
    private readonly changes: ChangesService,
  ) {}

  async list(tenant: Tenant): Promise<Definition[]> {
    const entities = await this.registry.of(tenant);
    return [...entities.values()].map(({ entry }) => definitionOf(entry));
  }

  async get(tenant: Tenant, name: string): Promise<Definition> {
    return definitionOf((await this.registry.get(tenant, name)).entry);
  }

  /** @throws Problem entity/needs-plan unless the change only adds: with the plan, to be looked at and applied by its hash. */
  async define(actor: Actor, tenant: Tenant, name: string, document: JsonValue): Promise<ChangeOutcome> {
    return this.changes.apply(actor, tenant, name, { document, additiveOnly: true });
  }
}

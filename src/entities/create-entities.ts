import type { Actor } from '../database/context-token.js';
import type { SystemTx } from '../database/control-plane.js';
import { addRelations } from '../model/ddl/add-relation.js';
import { createTable } from '../model/ddl/create-table.js';
import { relationFaults } from '../model/ddl/relation-faults.js';
import type { Entity, TenantHome } from '../model/entity.js';
import { firstFields, NO_FIELDS } from '../model/sealed/fields.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import type { Definition, PackOrigin } from './change-request.js';
import type { RegistryEntry } from './defined-entity.js';
import { keepPast } from './past-keeping.js';
import { stateOf } from './planner.js';
import { ReadDocument } from './read-documents.js';
import { insertDefinition, lockDefinitions, note, tellOthers } from './registry-changes.js';

/** Most entities a tenant may have. */
const LARGEST_TENANT = 1_000;

export interface WantedEntity {
  readonly name: string;
  readonly document: JsonValue;
  readonly pack?: PackOrigin;
}

/**
 * Makes new entities in the caller's transaction: tables first, so that they may relate to each other in any order, then their
 * relations, registry rows, first versions and trail. @throws Problem entity/invalid-document, entity/exists
 */
export async function createEntities(
  tx: SystemTx,
  actor: Actor,
  { id: tenantId, home }: { readonly id: string; readonly home: TenantHome },
  wanted: readonly WantedEntity[],
): Promise<Definition[]> {
  const read = wanted.map(({ name, document }) => ReadDocument.of(name, document));
  for (const each of read) each.assertUsable();
  await lockDefinitions(tx, tenantId);
  const entries = await entriesOf(tx, tenantId);
  assertRoom(entries, wanted);
  const fresh = new Map(read.map(({ entity }) => [entity.name, entity]));
  const { resolve } = stateOf(home, entries);
  const find = (name: string): Entity | undefined => fresh.get(name) ?? resolve(name);
  const errors = read.flatMap(({ entity }) => relationFaults(entity, find));
  if (errors.length > 0) throw new Problem('entity/invalid-document', 'A relation of the document does not hold.', { errors });
  await tx.asOwner(home, [
    ...read.flatMap(({ entity }) => createTable(home, entity)),
    ...read.flatMap(({ entity }) => addRelations(home, entity, find)),
  ]);
  const definitions: Definition[] = [];
  for (const { name, document, pack } of wanted) {
    const { entity } = ReadDocument.of(name, document);
    const definition = {
      tenantId,
      entityId: uuidV7(),
      name,
      version: 1,
      document: document as JsonObject,
      fields: firstFields(entity),
      ...(pack ? { pack } : {}),
    };
    await insertDefinition(tx, actor, definition);
    await keepPast(tx, home, definition.entityId, { before: null, after: entity.keeps });
    const body = { after: { version: 1, document: definition.document } };
    await note(tx, actor, tenantId, { action: 'entity.defined', entity: name, body });
    const origin = pack ? { pack: { name: pack.pack, version: pack.version } } : {};
    definitions.push({ name, version: 1, document: definition.document, ...origin });
  }
  await tellOthers(tx, tenantId);
  return definitions;
}

/** As the control plane, in the tenant's context. */
async function entriesOf(tx: SystemTx, tenantId: string): Promise<RegistryEntry[]> {
  const rows = await tx.run<{ entity_id: string; name: string; version: number; document: string }>({
    text: `select entity_id, name, version, document::text as document
from business_store_service.tenant_schemas
where tenant_id = $1
  and dropped_at is null`,
    values: [tenantId],
  });
  return rows.map(({ entity_id: id, name, version, document }) => {
    return { id, name, version, text: document, transition: null, fields: NO_FIELDS, pack: null };
  });
}

/** @throws Problem entity/exists, and entity/invalid-document when the tenant would have too many */
export function assertRoom(entries: readonly RegistryEntry[], wanted: readonly Pick<WantedEntity, 'name'>[]): void {
  const taken = wanted.find(({ name }) => entries.some((entry) => entry.name === name));
  if (taken) {
    throw new Problem('entity/exists', `The tenant has an entity ${JSON.stringify(taken.name)} already.`, { entity: taken.name });
  }
  if (entries.length + wanted.length > LARGEST_TENANT) {
    throw new Problem('entity/invalid-document', `A tenant has at most ${LARGEST_TENANT} entities.`, { limit: LARGEST_TENANT });
  }
}

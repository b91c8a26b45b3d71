import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { readVersion, stepOf, VERSION_COLUMNS } from '../entities/stored-versions.js';
import { type Sight, viewOf } from '../model/access/entity-view.js';
import { redactedJson } from '../model/access/redaction.js';
import { type Entity, isReadable, isReturned, type Property } from '../model/entity.js';
import { withHiddenMembers } from '../model/past/hidden-members.js';
import { carryingOver, type KeptRow, textsOf } from '../model/past/kept-row.js';
import type { VersionStep } from '../model/plan/lineage.js';
import { compileRowWriter, compileStoredRowWriter, type MemberPath, type RowWriter } from '../model/values/row-writer.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { withoutSystemMembers } from '../records/incoming-record.js';

/** What was kept under several versions of a document, each row read by its own. */
export class KeptRecords {
  private readonly writers = new Map<number, RowWriter>();
  private readonly carriers = new Map<number, (record: JsonObject) => JsonObject>();

  /**
   * @param steps every version from the oldest of the rows to the one in force
   * @param entities of the steps, as they are shown
   */
  private constructor(
    private readonly steps: readonly VersionStep[],
    private readonly entities: readonly Entity[],
    private readonly compile: (entity: Entity) => RowWriter,
  ) {}

  /** JSON text of the record as a client saw it then, or with `stored` as it was stored. */
  text(row: KeptRow): string {
    const writer = this.writers.get(row.version) ?? this.compile(this.entities[this.placeOf(row.version)] as Entity);
    this.writers.set(row.version, writer);
    return writer.write(textsOf(row, writer));
  }

  /** What the record says under the document in force. */
  carried(row: KeptRow): JsonObject {
    const carrier = this.carriers.get(row.version) ?? carryingOver(this.steps.slice(this.placeOf(row.version)));
    this.carriers.set(row.version, carrier);
    return carrier(withoutSystemMembers(JSON.parse(this.text(row)) as JsonObject));
  }

  /** What a record of one version, as it is shown, says in a later one. */
  carriedTo(from: number, to: number): (record: JsonObject) => JsonObject {
    if (from === to) return (record) => record;
    const first = this.placeOf(from);
    const steps = this.steps.slice(first, this.placeOf(to) + 1);
    return carryingOver(steps.map((step, index) => ({ ...step, entity: asShown(step.entity, this.entities[first + index]) })));
  }

  /** Members of what was written so far that are kept back from the caller. */
  get keptBack(): readonly MemberPath[] {
    return [...this.writers.values()].flatMap(({ keptBack }) => keptBack);
  }

  private placeOf(version: number): number {
    const at = this.steps.findIndex((step) => step.version === version);
    if (at < 0) throw new Error(`version ${version} of the document is not there`);
    return at;
  }

  /**
   * For these rows, and others of their versions. Asks for the documents only if one of the rows is of an older one.
   * @param sight of whom they are shown to; `stored`: nobody
   */
  static async of(tx: TenantTx, defined: DefinedEntity, rows: readonly KeptRow[], sight: Sight | 'stored'): Promise<KeptRecords> {
    const oldest = Math.min(defined.version, ...rows.map(({ version }) => version));
    const newest = Math.max(defined.version, ...rows.map(({ version }) => version));
    if (newest > defined.version) {
      throw new Problem('entity/change-in-progress', 'The entity has a new version. Send the request again.');
    }
    if (oldest === defined.version) {
      const current: VersionStep = { version: defined.version, entity: defined.entity, restored: new Map() };
      return KeptRecords.readBy([current], sight);
    }
    const versions = await tx.query({
      text: `select ${VERSION_COLUMNS}
from business_store_service.entity_versions
where tenant_id = $1
  and entity_id = $2
  and version between $3::integer and $4::integer
order by version`,
      values: [tx.home.tenantId, defined.id, String(oldest), String(defined.version)],
    });
    return KeptRecords.readBy(
      versions.map((row) => stepOf(defined.name, readVersion(row))),
      sight,
    );
  }

  /** Each document says itself from whom it keeps what, and so do those after it. */
  private static readBy(steps: readonly VersionStep[], sight: Sight | 'stored'): KeptRecords {
    if (sight === 'stored') {
      const entities = steps.map(({ entity }) => entity);
      return new KeptRecords(steps, entities, compileStoredRowWriter);
    }
    const seen = steps.map((step) => ({ ...step, entity: viewOf(step.entity, sight) }));
    return new KeptRecords(steps, withHiddenMembers(seen), (entity) => compileRowWriter(entity));
  }
}

/** What it declares, with defaults only where the values that they stand for are shown. */
function asShown(entity: Entity, shown: Entity | undefined): Entity {
  const seen = new Map(shown?.properties.map((property) => [property.name, property]));
  return { ...entity, properties: entity.properties.map((property) => withShownDefault(seen.get(property.name) ?? property)) };
}

function withShownDefault(property: Property): Property {
  const { default: given, redacted, ...rest } = property;
  if (given === undefined || isReadable(property)) return property;
  return redacted && isReturned(property) ? { ...property, default: redactedJson(redacted, given) } : rest;
}

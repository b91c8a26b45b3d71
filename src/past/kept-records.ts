import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { readVersion, stepOf, VERSION_COLUMNS } from '../entities/stored-versions.js';
import { type Sight, viewOf } from '../model/access/entity-view.js';
import { redactedJson } from '../model/access/redaction.js';
import { type Entity, isReadable, isReturned, type Property } from '../model/entity.js';
import { sealedName } from '../model/names.js';
import { withHiddenMembers } from '../model/past/hidden-members.js';
import { carryingOver, type KeptRow, type KeptTexts, textsOf } from '../model/past/kept-row.js';
import { type SealedLater, sealedLater } from '../model/past/sealed-later.js';
import type { VersionStep } from '../model/plan/lineage.js';
import { compileRowWriter, compileStoredRowWriter, type MemberPath, type RowWriter } from '../model/values/row-writer.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { withoutSystemMembers } from '../records/incoming-record.js';

/** What was kept under several versions of a document, each row read by its own. */
export class KeptRecords {
  /** By version, and what of a row of it was encrypted later. */
  private readonly writers = new Map<string, RowWriter>();
  private readonly cellColumns = new Map<number, ReadonlyMap<string, string>>();
  private readonly carriers = new Map<number, (record: JsonObject) => JsonObject>();

  /**
   * @param steps every version from the oldest of the rows to the one in force
   * @param entities of the steps, as they are shown
   * @param later what was encrypted later, under the keys of today
   */
  private constructor(
    private readonly steps: readonly VersionStep[],
    private readonly entities: readonly Entity[],
    private readonly later: readonly SealedLater[],
    private readonly compile: (entity: Entity) => RowWriter,
  ) {}

  /** JSON text of the record as a client saw it then, or with `stored` as it was stored. */
  text(row: KeptRow): string {
    const kept = JSON.parse(row.body) as KeptTexts;
    const at = this.placeOf(row.version);
    const sealed = this.sealedIn(at, kept);
    const key = [row.version, ...sealed].join(' ');
    const writer = this.writers.get(key) ?? this.compile(this.entityOf(at, sealed));
    this.writers.set(key, writer);
    return writer.write(textsOf(row, kept, writer));
  }

  /** Names of what the row's version held in plain text and the row holds as cells. */
  private sealedIn(at: number, kept: KeptTexts): string[] {
    const { properties } = (this.steps[at] as VersionStep).entity;
    const columns =
      this.cellColumns.get(at) ??
      new Map(properties.filter(({ encrypted }) => !encrypted).map(({ name, column }) => [sealedName(column), name] as const));
    this.cellColumns.set(at, columns);
    return [...columns].flatMap(([column, name]) => (Object.hasOwn(kept, column) ? [name] : []));
  }

  private entityOf(at: number, sealed: readonly string[]): Entity {
    const entity = this.entities[at] as Entity;
    if (sealed.length === 0) return entity;
    const cells = new Map(sealed.map((name) => [name, this.later[at]?.get(name) ?? unheard()]));
    return { ...entity, properties: entity.properties.map((property) => asCell(property, cells.get(property.name))) };
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
    if (newest > defined.version) unheard();
    if (oldest === defined.version) {
      const current: VersionStep = { version: defined.version, entity: defined.entity, restored: new Map() };
      return KeptRecords.readBy(defined, [current], sight);
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
    const steps = versions.map((row) => stepOf(defined.name, readVersion(row)));
    return KeptRecords.readBy(defined, steps, sight);
  }

  /** Each document says itself from whom it keeps what, and so do those after it. */
  private static readBy(defined: DefinedEntity, stored: readonly VersionStep[], sight: Sight | 'stored'): KeptRecords {
    const steps = stored.map((step) => (step.entity === defined.entity ? step : { ...step, entity: defined.keyed(step.entity) }));
    const later = sealedLater(stored).map((sealed, index) => {
      if (sealed.size === 0) return sealed;
      const { properties } = defined.keyed({ ...(stored[index] as VersionStep).entity, properties: [...sealed.values()] });
      return new Map(properties.map((property) => [property.name, property]));
    });
    if (sight === 'stored') {
      const entities = steps.map(({ entity }) => entity);
      return new KeptRecords(steps, entities, later, compileStoredRowWriter);
    }
    const seen = steps.map((step) => ({ ...step, entity: viewOf(step.entity, sight) }));
    return new KeptRecords(steps, withHiddenMembers(seen), later, (entity) => compileRowWriter(entity));
  }
}

/** Of a version, or of an encryption, that this instance has yet to hear of. */
function unheard(): never {
  throw new Problem('entity/change-in-progress', 'The entity has a new version. Send the request again.');
}

/** As it is shown, and stored as it was encrypted later. */
function asCell(property: Property, cell: Property | undefined): Property {
  if (!cell?.encrypted) return property;
  return { ...property, column: cell.column, type: cell.type, encrypted: cell.encrypted };
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

import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { readVersion, stepOf, VERSION_COLUMNS } from '../entities/stored-versions.js';
import type { Entity } from '../model/entity.js';
import { withHiddenMembers } from '../model/past/hidden-members.js';
import { carryingOver, type KeptRow, textsOf } from '../model/past/kept-row.js';
import type { VersionStep } from '../model/plan/lineage.js';
import { compileRowWriter, compileStoredRowWriter, type RowWriter } from '../model/values/row-writer.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { withoutSystemMembers } from '../records/incoming-record.js';

/** What was kept under several versions of a document, each row read by its own. */
export class KeptRecords {
  private readonly writers = new Map<number, RowWriter>();
  private readonly carriers = new Map<number, (record: JsonObject) => JsonObject>();

  /**
   * @param steps every version from the oldest of the rows to the one in force
   * @param writerAt of the version that is at this place among the steps
   */
  private constructor(
    private readonly steps: readonly VersionStep[],
    private readonly writerAt: (index: number) => RowWriter,
  ) {}

  /** JSON text of the record as a client saw it then, or with `stored` as it was stored. */
  text(row: KeptRow): string {
    const writer = this.writers.get(row.version) ?? this.writerAt(this.placeOf(row.version));
    this.writers.set(row.version, writer);
    return writer.write(textsOf(row, writer));
  }

  /** What the record says under the document in force. */
  carried(row: KeptRow): JsonObject {
    const carrier = this.carriers.get(row.version) ?? carryingOver(this.since(row.version));
    this.carriers.set(row.version, carrier);
    return carrier(withoutSystemMembers(JSON.parse(this.text(row)) as JsonObject));
  }

  /** From the version to the one in force. */
  since(version: number): readonly VersionStep[] {
    return this.steps.slice(this.placeOf(version));
  }

  private placeOf(version: number): number {
    const at = this.steps.findIndex((step) => step.version === version);
    if (at < 0) throw new Error(`version ${version} of the document is not there`);
    return at;
  }

  /** For these rows, and others of their versions. Asks for the documents only if one of the rows is of an older one. */
  static async of(
    tx: TenantTx,
    defined: DefinedEntity,
    rows: readonly KeptRow[],
    shown: 'visible' | 'stored' = 'visible',
  ): Promise<KeptRecords> {
    const oldest = Math.min(defined.version, ...rows.map(({ version }) => version));
    const newest = Math.max(defined.version, ...rows.map(({ version }) => version));
    if (newest > defined.version) {
      throw new Problem('entity/change-in-progress', 'The entity has a new version. Send the request again.');
    }
    if (oldest === defined.version) {
      const current: VersionStep = { version: defined.version, entity: defined.entity, restored: new Map() };
      return KeptRecords.readBy([current], shown);
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
      shown,
    );
  }

  private static readBy(steps: readonly VersionStep[], shown: 'visible' | 'stored'): KeptRecords {
    if (shown === 'stored')
      return new KeptRecords(steps, (index) => compileStoredRowWriter((steps[index] as VersionStep).entity));
    const entities = withHiddenMembers(steps);
    return new KeptRecords(steps, (index) => compileRowWriter(entities[index] as Entity));
  }
}

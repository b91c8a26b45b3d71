import type { Row } from '../database/statement-batch.js';
import type { Entity } from '../model/entity.js';
import type { VersionStep } from '../model/plan/lineage.js';
import { type Fields, NO_FIELDS, withFields } from '../model/sealed/fields.js';
import type { JsonObject } from '../platform/json-value.js';
import { ReadDocument } from './read-documents.js';
import type { Lineage } from './registry-changes.js';

/** Versions of definitions as they are stored, and what they mean. */

export interface VersionView {
  readonly version: number;
  readonly createdAt: string;
  readonly createdBy: string;
  /** The entity's name then. */
  readonly name?: string;
  readonly document: JsonObject;
}

/** As it is stored: with where its properties came from. */
export interface StoredVersion extends VersionView {
  readonly lineage?: Lineage;
  readonly fields: Fields;
}

/** What `readVersion` reads. */
export const VERSION_COLUMNS = `version, to_json(created_at at time zone 'UTC')#>>'{}', created_by, document, name, lineage, fields`;

export function readVersion([version, createdAt, createdBy, document, name, lineage, fields]: Row): StoredVersion {
  return {
    ...{ version: Number(version), createdAt: `${createdAt}Z`, createdBy: createdBy as string },
    document: JSON.parse(document as string) as JsonObject,
    fields: fields ? (JSON.parse(fields) as Fields) : NO_FIELDS,
    ...(name ? { name } : {}),
    ...(lineage ? { lineage: JSON.parse(lineage) as Lineage } : {}),
  };
}

export function entityOf(name: string, document: JsonObject): Entity {
  return ReadDocument.of(name, document).entity;
}

/** @param current the name of the entity, where an old version does not tell its own */
export function stepOf(current: string, { version, name = current, document, lineage, fields }: StoredVersion): VersionStep {
  const known = lineage ? { renames: new Map(lineage.renames) } : {};
  return { version, entity: withFields(entityOf(name, document), fields), ...known, restored: new Map(lineage?.restored) };
}

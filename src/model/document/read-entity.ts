/**
 * From an entity document to what the store knows about the entity. Documents are hostile input, so the reading goes in
 * stages, each of which makes the next one safe: size, dialect, references, meaning.
 */

import { shownPointer } from '../../platform/json-faults.js';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { readRowRules } from '../access/read-row-rules.js';
import { type Entity, isSystemMember, type Keeps, type Property, TENANT_COLUMN } from '../entity.js';
import { entityNameFaults, physicalName, propertyNameFaults, shown } from '../names.js';
import { dialectFaults, withBareWords } from './dialect.js';
import { limitFaults, MAX_FAULTS } from './limits.js';
import { notSupportedFaults } from './not-supported.js';
import { patternFaults } from './patterns.js';
import { readKeys } from './read-keys.js';
import { readProperty } from './read-property.js';
import { readSubject } from './read-subject.js';
import { type References, readReferences } from './references.js';
import { systemMemberFaults } from './system-members.js';

/**
 * @param name logical name of the entity, as in the URL.
 * @param document JSON Schema 2020-12 with the dialect's words, as `JSON.parse` returns it.
 * @throws Problem `entity/invalid-document` whose `errors` are all faults of the first stage that found any, at most 100.
 */
export function readEntity(name: string, document: JsonValue): Entity {
  refuse(name, [...entityNameFaults(name, ''), ...limitFaults(document)]);
  refuse(name, dialectFaults(document));
  const bare = withBareWords(document as JsonObject);
  refuse(name, bare.faults);
  const references = readReferences(bare.document);
  refuse(name, references.faults.map(bare.asWritten));
  const { entity, faults } = readMeaning(name, bare.document, references);
  refuse(name, faults.map(bare.asWritten));
  return entity;
}

function refuse(name: string, faults: readonly Fault[]): void {
  const [first] = faults;
  if (!first) return;
  const count = faults.length === 1 ? 'one fault' : `${faults.length >= MAX_FAULTS ? 'at least ' : ''}${faults.length} faults`;
  const detail = `The document of the entity ${shown(name)} has ${count}; see errors. First, at ${shown(first.pointer)}: ${first.message}.`;
  throw new Problem('entity/invalid-document', detail, { errors: faults.slice(0, MAX_FAULTS).map(clipped) });
}

/** A pointer repeats the names of a hostile document, which may be a megabyte long. */
function clipped(fault: Fault): Fault {
  return { ...fault, pointer: shownPointer(fault.pointer) };
}

function readMeaning(name: string, document: JsonObject, references: References): { entity: Entity; faults: Fault[] } {
  const declared = Object.entries(isJsonObject(document.properties) ? document.properties : {});
  const required = (document.required ?? []) as readonly string[];
  const requiredNames = new Set(required);
  const readings = declared
    .filter(([member]) => !isSystemMember(member))
    .map(([member, schema]) => readProperty(member, schema, requiredNames.has(member), references));
  const properties = readings.map(({ property }) => property);
  const table = physicalName(name);
  const keys = readKeys(table, document, properties);
  const { rowRules, faults: ruleFaults } = readRowRules(document.rowRules, properties);
  const { subject, faults: subjectFaults } = readSubject(document.subject, properties);
  const keepsExtras = keepsUndeclared(document);
  const keeps = readKeeps(document);
  const faults = [
    ...notSupportedFaults(document),
    ...declared.flatMap(([member, schema]) => (isSystemMember(member) ? systemMemberFaults(member, schema, references) : [])),
    ...readings.flatMap((reading) => reading.faults),
    ...retentionFaults(keeps),
    ...requiredFaults(required, new Set(declared.map(([member]) => member)), keepsExtras),
    ...renameFaults(name, document, properties),
    ...inverseFaults(name, properties),
    ...keys.faults,
    ...ruleFaults,
    ...subjectFaults,
    ...patternFaults(document),
  ];
  const entity: Entity = {
    name,
    table,
    properties,
    keepsExtras,
    uniqueKeys: keys.uniqueKeys,
    indexes: keys.indexes,
    concurrency: document.concurrency === 'required' ? 'required' : 'optional',
    keeps,
    ...(rowRules ? { rowRules } : {}),
    ...(subject === undefined ? {} : { subject }),
    document: withoutSystemMembers(document, required),
  };
  return { entity, faults };
}

/** System members are always there once a record is stored, and need not be there before. */
function withoutSystemMembers(document: JsonObject, required: readonly string[]): JsonObject {
  return required.some(isSystemMember) ? { ...document, required: required.filter((name) => !isSystemMember(name)) } : document;
}

function readKeeps({ softDelete, history, retention }: JsonObject): Keeps {
  const { deletedDays = null, historyDays = null } = (retention ?? {}) as { deletedDays?: number; historyDays?: number };
  return { deleted: softDelete === true, history: history === 'full', deletedDays, historyDays };
}

/** Of what is not kept there is nothing to keep for a while, and whoever says so believes that it is kept. */
function retentionFaults({ deleted, history, deletedDays, historyDays }: Keeps): Fault[] {
  const fault = (days: number | null, member: string, isKept: boolean, word: string): Fault[] => {
    if (days === null || isKept) return [];
    const message = `nothing is kept for that long: add ${word}, or leave ${member} out`;
    return [{ pointer: pointer('/retention', member), rule: 'retention', message }];
  };
  return [
    ...fault(deletedDays, 'deletedDays', deleted, '"softDelete": true'),
    ...fault(historyDays, 'historyDays', history, '"history": "full"'),
  ];
}

/** Schemas at the root that may declare members of their own, which then have no column. */
const DECLARERS = ['patternProperties', '$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'dependentSchemas'];

/** Whether a valid record can have members without a column. */
function keepsUndeclared(document: JsonObject): boolean {
  if (document.additionalProperties === false) return Object.hasOwn(document, 'patternProperties');
  if (Object.hasOwn(document, 'additionalProperties')) return true;
  return document.unevaluatedProperties !== false || DECLARERS.some((keyword) => Object.hasOwn(document, keyword));
}

function requiredFaults(required: readonly string[], declared: ReadonlySet<string>, keepsExtras: boolean): Fault[] {
  return required.flatMap((name, index) => {
    const at = pointer('/required', index);
    if (name === TENANT_COLUMN) return propertyNameFaults(name, at);
    if (keepsExtras || isSystemMember(name) || declared.has(name)) return [];
    const message = `${shown(name)} is required but not declared, and undeclared members are not allowed: no record could be valid`;
    return [{ pointer: at, rule: 'required', message }];
  });
}

function renameFaults(name: string, document: JsonObject, properties: readonly Property[]): Fault[] {
  const faults: Fault[] = [];
  const { renamedFrom } = document;
  if (renamedFrom === name) {
    faults.push({ pointer: '/renamedFrom', rule: 'renamedFrom', message: `${shown(name)} cannot be renamed from itself` });
  } else if (typeof renamedFrom === 'string') {
    faults.push(...entityNameFaults(renamedFrom, '/renamedFrom'));
  }
  const declared = new Set(properties.map((property) => property.name));
  const taken = new Set<string>();
  for (const property of properties) {
    const old = property.renamedFrom;
    if (old === undefined || old === property.name) continue;
    const at = pointer(pointer('/properties', property.name), 'renamedFrom');
    if (declared.has(old)) {
      faults.push({
        pointer: at,
        rule: 'renamedFrom',
        message: `${shown(old)} is still declared, so nothing was renamed from it`,
      });
    } else if (taken.has(old)) {
      faults.push({ pointer: at, rule: 'renamedFrom', message: `another property is renamed from ${shown(old)} already` });
    }
    taken.add(old);
  }
  return faults;
}

/** The way back from a target needs one meaning; inverses into this very entity share names with its properties. */
function inverseFaults(name: string, properties: readonly Property[]): Fault[] {
  const declared = new Set(properties.map((property) => property.name));
  const seen = new Set<string>();
  return properties.flatMap((property) => {
    const { relation } = property;
    if (relation?.inverse === undefined) return [];
    const key = JSON.stringify([relation.entity, relation.inverse]);
    const isTaken = seen.has(key) || (relation.entity === name && declared.has(relation.inverse));
    seen.add(key);
    if (!isTaken) return [];
    const at = pointer(pointer(pointer('/properties', property.name), 'relation'), 'inverse');
    const message = `${shown(relation.entity)} would have two members named ${shown(relation.inverse)}: choose another inverse`;
    return [{ pointer: at, rule: 'relation', message }];
  });
}

import type { Entity, Property } from '../model/entity.js';
import { EXTRA_COLUMN, isSystemMember, TENANT_COLUMN } from '../model/entity.js';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../platform/json-value.js';
import type { Fault } from '../platform/problem.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';

/**
 * From a body to the record the store keeps: who may set which member. System members and read-only properties belong
 * to the store; they may be sent back unchanged, so that a client can read, edit and write, but never set.
 */

export interface IncomingRecord {
  /** Without system members; generated values and defaults filled in. */
  readonly content: JsonObject;
  readonly id: string;
  readonly faults: readonly Fault[];
}

export function incomingInsert(entity: Entity, body: JsonValue, subject: string, at: string): IncomingRecord {
  const faults: Fault[] = [];
  if (!isJsonObject(body)) {
    return { content: {}, id: '', faults: [{ pointer: at, rule: 'type', message: 'must be an object' }] };
  }
  const content: Record<string, JsonValue> = Object.create(null);
  let id: string | null = null;
  for (const [member, value] of Object.entries(body)) {
    if (member === 'id') {
      if (typeof value === 'string' && isUuid(value)) id = value.toLowerCase();
      else faults.push({ pointer: pointer(at, member), rule: 'format', message: 'must be a uuid' });
    } else if (isReserved(member)) {
      faults.push({ pointer: pointer(at, member), rule: 'readOnly', message: 'is set by the store: leave it out' });
    } else {
      content[member] = value;
    }
  }
  for (const property of entity.properties) {
    const given = Object.hasOwn(body, property.name);
    if (given && isStoreSet(property)) {
      faults.push({ pointer: pointer(at, property.name), rule: 'readOnly', message: 'is set by the store: leave it out' });
    } else if (property.generated) {
      content[property.name] = generate(property.generated, subject);
    } else if (!given && property.default !== undefined) {
      content[property.name] = property.default;
    }
  }
  return { content, id: id ?? uuidV7(), faults };
}

/** @param stored the record as kept: system members and all properties, never-returned ones included. */
export function incomingReplace(entity: Entity, body: JsonValue, stored: JsonObject): Omit<IncomingRecord, 'id'> {
  const faults: Fault[] = [];
  if (!isJsonObject(body)) return { content: {}, faults: [{ pointer: '', rule: 'type', message: 'must be an object' }] };
  const content: Record<string, JsonValue> = Object.create(null);
  for (const [member, value] of Object.entries(body)) {
    if (!isReserved(member) && member !== 'id') content[member] = value;
    else if (!sameJson(value, stored[member])) {
      faults.push({ pointer: pointer('', member), rule: 'readOnly', message: 'is set by the store and cannot be changed' });
    }
  }
  for (const property of entity.properties) {
    const { name } = property;
    const kept = isStoreSet(property) || property.immutable;
    if (!kept) continue;
    if (Object.hasOwn(content, name) && !sameJson(content[name], stored[name])) {
      const rule = property.immutable ? 'immutable' : 'readOnly';
      faults.push({ pointer: pointer('', name), rule, message: 'cannot be changed once it is set' });
    } else if (stored[name] !== undefined && (isStoreSet(property) || !Object.hasOwn(content, name))) {
      content[name] = stored[name] as JsonValue;
    }
  }
  return { content, faults };
}

/**
 * A stored record after a merge patch (RFC 7396), with one exception: null for a property that is required and nullable
 * sets it to null. To remove it, as the RFC has it, could only ever be refused.
 */
export function patchedRecord(entity: Entity, stored: JsonObject, patch: JsonValue): JsonValue {
  const merged = mergePatch(stored, patch);
  if (!isJsonObject(patch) || !isJsonObject(merged)) return merged;
  const nulls = entity.properties.filter(
    ({ name, required, nullable }) => required && nullable && Object.hasOwn(patch, name) && patch[name] === null,
  );
  return nulls.length === 0 ? merged : Object.assign(merged, Object.fromEntries(nulls.map(({ name }) => [name, null])));
}

function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, JsonValue> = Object.assign(Object.create(null), isJsonObject(target) ? target : {});
  for (const [member, value] of Object.entries(patch)) {
    if (value === null) delete merged[member];
    else merged[member] = mergePatch(merged[member], value);
  }
  return merged;
}

/** What the audit trail keeps of a record: its content, without system members and without what is never returned. */
export function auditedContent(entity: Entity, record: JsonObject): JsonObject {
  const hidden = new Set(entity.properties.filter((property) => property.writeOnly).map((property) => property.name));
  return Object.fromEntries(Object.entries(record).filter(([member]) => !isSystemMember(member) && !hidden.has(member)));
}

function isReserved(member: string): boolean {
  return member === TENANT_COLUMN || member === EXTRA_COLUMN || (member !== 'id' && isSystemMember(member));
}

function isStoreSet(property: Property): boolean {
  return property.readOnly || property.generated !== undefined;
}

function generate(kind: NonNullable<Property['generated']>, subject: string): JsonValue {
  if (kind === 'uuid') return uuidV7();
  return kind === 'now' ? new Date().toISOString() : subject;
}

/** JSON equality; the order of members is not part of a value. */
function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const members = Object.keys(a);
  return (
    members.length === Object.keys(b).length &&
    members.every((member) => Object.hasOwn(b, member) && sameJson(a[member], b[member]))
  );
}

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

const NONE: ReadonlySet<string> = new Set();

/** @param emptied properties that no default fills. */
export function incomingInsert(
  entity: Entity,
  body: JsonValue,
  subject: string,
  at: string,
  emptied: ReadonlySet<string> = NONE,
): IncomingRecord {
  const faults: Fault[] = [];
  if (!isJsonObject(body)) {
    return { content: {}, id: '', faults: [{ pointer: at, rule: 'type', message: 'must be an object' }] };
  }
  let id: string | null = null;
  for (const member of Object.keys(body)) {
    if (!isReserved(member)) continue;
    const value = body[member];
    if (member !== 'id')
      faults.push({ pointer: pointer(at, member), rule: 'readOnly', message: 'is set by the store: leave it out' });
    else if (typeof value === 'string' && isUuid(value)) id = value.toLowerCase();
    else faults.push({ pointer: pointer(at, member), rule: 'format', message: 'must be a uuid' });
  }
  const content = underNewNames(entity, withoutSystemMembers(body), at, faults);
  const { filled } = traitsOf(entity);
  if (filled.length === 0) return { content, id: id ?? uuidV7(), faults };

  const complete: Record<string, JsonValue> = { ...content };
  for (const property of filled) {
    const given = Object.hasOwn(content, property.name);
    if (given && isStoreSet(property)) {
      faults.push({ pointer: pointer(at, property.name), rule: 'readOnly', message: 'is set by the store: leave it out' });
    } else if (property.generated) {
      complete[property.name] = generate(property.generated, subject);
    } else if (!given && property.default !== undefined && !emptied.has(property.name)) {
      complete[property.name] = property.default;
    }
  }
  return { content: complete, id: id ?? uuidV7(), faults };
}

/** @param stored the record as kept: system members and all properties, never-returned ones included. */
export function incomingReplace(entity: Entity, body: JsonValue, stored: JsonObject): Omit<IncomingRecord, 'id'> {
  const faults: Fault[] = [];
  if (!isJsonObject(body)) return { content: {}, faults: [{ pointer: '', rule: 'type', message: 'must be an object' }] };
  for (const member of Object.keys(body)) {
    if (isReserved(member) && !sameJson(body[member], stored[member])) {
      faults.push({ pointer: pointer('', member), rule: 'readOnly', message: 'is set by the store and cannot be changed' });
    }
  }
  const content: Record<string, JsonValue> = { ...underNewNames(entity, withoutSystemMembers(body), '', faults) };
  for (const property of traitsOf(entity).kept) {
    const { name } = property;
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
 * What a writer that has not heard of a rename sends under the old name lands under the new one, until the alias ends. In a patch
 * too, null included, which is why a patch is renamed before it is merged.
 */
export function underNewNames(entity: Entity, body: JsonObject, at: string, faults: Fault[]): JsonObject {
  const { aliased } = traitsOf(entity);
  const old = aliased.filter(({ alias }) => Object.hasOwn(body, alias.name) && Date.now() < alias.until);
  if (old.length === 0) return body;
  const renamed: Record<string, JsonValue> = { ...body };
  for (const { name, alias } of old) {
    const value = body[alias.name] as JsonValue;
    if (Object.hasOwn(body, name) && !sameJson(body[name], value)) {
      const message = `was renamed to ${JSON.stringify(name)}, which is sent too with another value: leave this one out`;
      faults.push({ pointer: pointer(at, alias.name), rule: 'renamedFrom', message });
    }
    delete renamed[alias.name];
    renamed[name] = Object.hasOwn(body, name) ? (body[name] as JsonValue) : value;
  }
  return renamed;
}

/** A record as PUT asks for it. A `writeOnly` member that was left out stays: nobody can send back what is never returned. */
export function replacedRecord(entity: Entity, stored: JsonObject, body: JsonValue): JsonValue {
  const { hidden } = traitsOf(entity);
  if (!isJsonObject(body) || hidden.size === 0) return body;
  const sent = underNewNames(entity, body, '', []);
  const unseen = [...hidden].filter((member) => !Object.hasOwn(sent, member) && Object.hasOwn(stored, member));
  return { ...body, ...Object.fromEntries(unseen.map((member) => [member, stored[member] as JsonValue])) };
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
  const merged: Record<string, JsonValue> = { ...(isJsonObject(target) ? target : {}) };
  for (const [member, value] of Object.entries(patch)) {
    if (value === null) delete merged[member];
    else merged[member] = mergePatch(Object.hasOwn(merged, member) ? merged[member] : undefined, value);
  }
  return merged;
}

/** A stored record without what is never returned: what a client can speak of. */
export function visibleRecord(entity: Entity, record: JsonObject): JsonObject {
  const { hidden } = traitsOf(entity);
  return hidden.size === 0 ? record : Object.fromEntries(Object.entries(record).filter(([member]) => !hidden.has(member)));
}

/** What the audit trail keeps of a record: its content, without system members and without what is never returned. */
export function auditedContent(entity: Entity, record: JsonObject): JsonObject {
  return visibleRecord(entity, withoutSystemMembers(record));
}

/** What an entity asks of every record, worked out once. */
interface Traits {
  /** Properties that may get a value when none is given, or must not be given one. */
  readonly filled: readonly Property[];
  /** Properties that a change keeps. */
  readonly kept: readonly Property[];
  /** Names of properties that are never returned. */
  readonly hidden: ReadonlySet<string>;
  /** Properties that may still be sent under an old name; until when in milliseconds. */
  readonly aliased: readonly { readonly name: string; readonly alias: { readonly name: string; readonly until: number } }[];
}

const traits = new WeakMap<Entity, Traits>();

function traitsOf(entity: Entity): Traits {
  const known = traits.get(entity);
  if (known !== undefined) return known;
  const { properties } = entity;
  const made: Traits = {
    filled: properties.filter((property) => isStoreSet(property) || property.default !== undefined),
    kept: properties.filter((property) => isStoreSet(property) || property.immutable),
    aliased: properties.flatMap(({ name, alias }) =>
      alias ? [{ name, alias: { name: alias.name, until: Date.parse(alias.until) } }] : [],
    ),
    hidden: new Set(properties.filter((property) => property.writeOnly).map((property) => property.name)),
  };
  traits.set(entity, made);
  return made;
}

/** The very object where it holds none, which is the usual case of a thousand records in one body. */
export function withoutSystemMembers(record: JsonObject): JsonObject {
  const members = Object.keys(record);
  if (!members.some(isReserved)) return record;
  const content: Record<string, JsonValue> = {};
  for (const member of members) if (!isReserved(member)) content[member] = record[member] as JsonValue;
  return content;
}

function isReserved(member: string): boolean {
  return member === TENANT_COLUMN || member === EXTRA_COLUMN || isSystemMember(member);
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

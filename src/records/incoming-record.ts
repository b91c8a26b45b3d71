import type { Entity, Property } from '../model/entity.js';
import { EXTRA_COLUMN, isKeptBack, isReadable, isSystemMember, TENANT_COLUMN } from '../model/entity.js';
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
  const { filled, fixed } = traitsOf(entity);
  for (const { name } of fixed) if (Object.hasOwn(content, name)) faults.push(forbiddenMember(at, name));
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
  const { kept, fixed, keptBack } = traitsOf(entity);
  for (const { name } of fixed) {
    if (keptBack.has(name)) continue;
    const isSent = Object.hasOwn(content, name);
    if (isSent && !sameJson(content[name], stored[name])) faults.push(forbiddenMember('', name));
    else if (stored[name] !== undefined && !isSent) content[name] = stored[name] as JsonValue;
  }
  // What is kept back is not compared, which would tell it: `unseenFaults` refuses what is sent of it.
  for (const name of keptBack.keys()) {
    if (stored[name] === undefined) delete content[name];
    else content[name] = stored[name] as JsonValue;
  }
  for (const property of kept) {
    const { name } = property;
    if (keptBack.has(name)) continue;
    if (Object.hasOwn(content, name) && !sameJson(content[name], stored[name])) {
      faults.push(unchangeable('', name, property.immutable));
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

/**
 * Of what a caller sent for a record that is there, merged with nothing yet: members that it cannot see, and that are not for it, or for
 * anybody, to change. They are refused whatever their value is: to take the one that is stored would tell it.
 * @param emptied properties that are to be absent
 */
export function unseenFaults(entity: Entity, sent: JsonValue, at: string, emptied: ReadonlySet<string> = NONE): Fault[] {
  const { keptBack } = traitsOf(entity);
  if (!isJsonObject(sent) || keptBack.size === 0) return [];
  const named = underNewNames(entity, sent, at, []);
  return [...keptBack.values()].flatMap(({ name, fixed, immutable }) => {
    if (!Object.hasOwn(named, name) && !emptied.has(name)) return [];
    return fixed ? [forbiddenMember(at, name)] : [unchangeable(at, name, immutable)];
  });
}

/**
 * Members that are seen, not for the caller to change, and gone once its patch is applied. They would stay, and the patch be answered
 * as if it had been carried out.
 */
export function removedFaults(entity: Entity, stored: JsonObject, patched: JsonValue, at: string): Fault[] {
  const { fixed, keptBack } = traitsOf(entity);
  if (!isJsonObject(patched) || fixed.length === 0) return [];
  return fixed.flatMap(({ name }) => {
    const isGone = !keptBack.has(name) && stored[name] !== undefined && !Object.hasOwn(patched, name);
    return isGone ? [forbiddenMember(at, name)] : [];
  });
}

/** A record as PUT asks for it. A `writeOnly` member that was left out stays: nobody can send back what is never returned. */
export function replacedRecord(entity: Entity, stored: JsonObject, body: JsonValue): JsonValue {
  const { unseen } = traitsOf(entity);
  if (!isJsonObject(body) || unseen.size === 0) return body;
  const sent = underNewNames(entity, body, '', []);
  const stay = [...unseen].filter((member) => !Object.hasOwn(sent, member) && Object.hasOwn(stored, member));
  return { ...body, ...Object.fromEntries(stay.map((member) => [member, stored[member] as JsonValue])) };
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

/** A stored record without what the caller is never answered with: what it can speak of. */
export function visibleRecord(entity: Entity, record: JsonObject): JsonObject {
  return without(record, traitsOf(entity).unseen);
}

function without(record: JsonObject, members: ReadonlySet<string>): JsonObject {
  return members.size === 0 ? record : Object.fromEntries(Object.entries(record).filter(([member]) => !members.has(member)));
}

/** What the audit trail keeps of a record, whoever writes it: its content, without system members and what is never returned to anybody. */
export function auditedContent(entity: Entity, record: JsonObject): JsonObject {
  return without(withoutSystemMembers(record), traitsOf(entity).secret);
}

/** What an entity asks of every record, worked out once. */
interface Traits {
  /** Properties that may get a value when none is given, or must not be given one. */
  readonly filled: readonly Property[];
  /** Properties that a change keeps. */
  readonly kept: readonly Property[];
  /** Names of properties that the caller is never answered with, or not as they are. */
  readonly unseen: ReadonlySet<string>;
  /** Of those that nobody is. */
  readonly secret: ReadonlySet<string>;
  /** Properties that the caller may not set. */
  readonly fixed: readonly Property[];
  /** Properties that it cannot see, and may not change, by their names. */
  readonly keptBack: ReadonlyMap<string, Property>;
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
    unseen: new Set(properties.filter((property) => !isReadable(property)).map(({ name }) => name)),
    secret: new Set(properties.filter(({ writeOnly }) => writeOnly).map(({ name }) => name)),
    fixed: properties.filter(({ fixed }) => fixed),
    keptBack: new Map(properties.filter(isUnchangeable).map((property) => [property.name, property])),
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

function unchangeable(at: string, name: string, immutable: boolean): Fault {
  const rule = immutable ? 'immutable' : 'readOnly';
  return { pointer: pointer(at, name), rule, message: 'cannot be changed once it is set' };
}

/** Told as 403 where records are stored. */
function forbiddenMember(at: string, name: string): Fault {
  return { pointer: pointer(at, name), rule: 'access', message: 'is not for your roles to set or change: leave it out' };
}

function isReserved(member: string): boolean {
  return member === TENANT_COLUMN || member === EXTRA_COLUMN || isSystemMember(member);
}

function isUnchangeable(property: Property): boolean {
  return isKeptBack(property) && (property.fixed === true || property.immutable || isStoreSet(property));
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

import type { Entity, Property } from '../model/entity.js';
import { isSystemMember } from '../model/entity.js';
import { invalidQuery, quoteName } from '../model/query/invalid-query.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import type { Surface } from './record-call.js';

/**
 * What the bodies of a write say, before they are looked at as records: which of their members count (`columns`), and what a member
 * means that is named and not sent. For PostgREST's clients a column is always there, so below `/rest/v1` it is null then, unless
 * `Prefer: missing=default` wants its default; null for a property that cannot be null says that it is absent.
 */
export interface IncomingBody {
  readonly body: JsonValue;
  /** Properties that are absent because the body says so: no default fills them, and a change takes them away. */
  readonly emptied: ReadonlySet<string>;
}

export interface Reading {
  readonly surface: Surface;
  /** Of the parameter; null: every member counts. */
  readonly columns: readonly string[] | null;
  /** Members that are named and not sent get their default. */
  readonly fillsDefaults: boolean;
}

const NOTHING: ReadonlySet<string> = new Set();

export function incomingBodies(entity: Entity, bodies: readonly JsonValue[], reading: Reading): readonly IncomingBody[] {
  const { surface, columns, fillsDefaults } = reading;
  if (columns === null && surface === 'api') return bodies.map((body) => ({ body, emptied: NOTHING }));
  const properties = new Map(entity.properties.flatMap((property) => namesOf(property).map((name) => [name, property] as const)));
  const named = columns ?? (bodies.length > 1 ? membersOf(bodies) : []);
  const expected = surface === 'rest' || fillsDefaults ? named.flatMap((name) => properties.get(name) ?? []) : [];
  const chosen = columns === null ? null : new Set(columns);
  return bodies.map((body) => {
    if (!isJsonObject(body)) return { body, emptied: NOTHING };
    const said: Record<string, JsonValue> = chosen === null ? { ...body } : onlyMembers(body, chosen);
    const emptied = new Set<string>();
    for (const property of expected) {
      if (isStoreSet(property) || namesOf(property).some((name) => Object.hasOwn(said, name))) continue;
      if (fillsDefaults && property.default !== undefined) said[property.name] = property.default;
      else if (property.nullable) said[property.name] = null;
      else emptied.add(property.name);
    }
    if (surface === 'rest') takeNullAsAbsent(said, properties, emptied);
    return { body: said, emptied };
  });
}

/** A property that is required stays as it was sent, so that what is refused is the null. */
export function takeNullAsAbsent(
  said: Record<string, JsonValue>,
  properties: ReadonlyMap<string, Property>,
  emptied: Set<string>,
): void {
  for (const member of Object.keys(said)) {
    const property = said[member] === null ? properties.get(member) : undefined;
    if (!property || property.nullable || property.required) continue;
    delete said[member];
    emptied.add(property.name);
  }
}

/** @throws Problem request/invalid-query for a name that no record of the entity can have a member of. */
export function assertColumns(entity: Entity, columns: readonly string[]): void {
  for (const name of columns) {
    const isKnown = isSystemMember(name) || entity.properties.some((property) => namesOf(property).includes(name));
    if (isKnown || entity.keepsExtras) continue;
    throw invalidQuery('columns', `${quoteName(entity.name)} has no property ${quoteName(name)}.`);
  }
}

/** What the bodies of many rows name together. */
function membersOf(bodies: readonly JsonValue[]): readonly string[] {
  const names = new Set<string>();
  for (const body of bodies) if (isJsonObject(body)) for (const member of Object.keys(body)) names.add(member);
  return [...names];
}

function onlyMembers(body: JsonObject, chosen: ReadonlySet<string>): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(body).filter(([member]) => chosen.has(member)));
}

/** The old name too, under which a renamed property may still be sent. */
export function namesOf({ name, alias }: Property): string[] {
  return alias ? [name, alias.name] : [name];
}

function isStoreSet({ readOnly, generated }: Property): boolean {
  return readOnly || generated !== undefined;
}

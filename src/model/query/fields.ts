/**
 * Which names a query may use for what. Only declared properties and system members are ever found: `tenant_id` and
 * the store's own columns have no name here. Used by the parsers of `select`, `order` and filters.
 */

import { Problem } from '../../platform/problem.js';
import { type Entity, isSystemMember, type Property, SYSTEM_MEMBERS } from '../entity.js';
import type { Field } from './ast.js';
import { invalidQuery, quoteName } from './invalid-query.js';

/** An unknown name is answered with the known ones, at most this many. */
const NAMES_LISTED = 30;

interface KnownField {
  readonly field: Field;
  /** Why it has no use in a query, which would tell its value; what is redacted is shown as such. */
  readonly kept: 'write-only' | 'hidden' | 'redacted' | null;
}

/** Built once per entity: a list request looks up a handful of names in what may be hundreds. */
const KNOWN = new WeakMap<Entity, ReadonlyMap<string, KnownField>>();

/** What for: to be an answer's member as it is, to be compared with a value, or for anything else that depends on its value. */
export type FieldUse = 'shown' | 'compared' | 'asked';

/**
 * The field of that name, or `fail` with what is wrong. What is never returned has no use in a query, which would tell its value.
 * @throws Problem `record/field-forbidden` for what the caller may not read
 */
export function fieldOf(entity: Entity, name: string, fail: (message: string) => never, use: FieldUse = 'asked'): Field {
  const known = knownFields(entity).get(name);
  if (!known) fail(unknownName(entity, name));
  if (known.kept === 'write-only') {
    fail(`the property ${quoteName(name)} is write-only: it can be neither selected nor filtered nor sorted on.`);
  }
  if (known.kept === 'hidden' || (known.kept === 'redacted' && use !== 'shown')) throw fieldForbidden(entity, name);
  if (known.field.encrypted && use === 'asked') fail(encryptedMessage(name));
  return known.field;
}

/** @throws Problem `record/field-forbidden` where the values of one are redacted for the caller, `request/invalid-query` for encrypted ones */
export function assertAskable(entity: Entity, names: Iterable<string>): void {
  for (const name of names) {
    const known = knownFields(entity).get(name);
    if (known?.kept === 'redacted') throw fieldForbidden(entity, name);
    if (known?.field.encrypted) throw invalidQuery('select', encryptedMessage(name));
  }
}

/** For names that need no parsing; undefined also means "look closer". */
export function isKnownName(entity: Entity, name: string): boolean {
  return knownFields(entity).has(name);
}

function knownFields(entity: Entity): ReadonlyMap<string, KnownField> {
  const cached = KNOWN.get(entity);
  if (cached) return cached;
  const fields = new Map<string, KnownField>();
  for (const [name, type] of Object.entries(SYSTEM_MEMBERS)) {
    fields.set(name, { field: { name, column: name, type }, kept: null });
  }
  for (const property of entity.properties) {
    if (!isSystemMember(property.name)) fields.set(property.name, fromProperty(property));
  }
  KNOWN.set(entity, fields);
  return fields;
}

function fromProperty(property: Property): KnownField {
  const { name, column, type, encrypted } = property;
  return { field: { name, column, type, ...(encrypted && { encrypted }) }, kept: keptBy(property) };
}

function keptBy({ writeOnly, hidden, redacted }: Property): KnownField['kept'] {
  if (hidden) return 'hidden';
  if (writeOnly) return 'write-only';
  return redacted ? 'redacted' : null;
}

export function encryptedMessage(name: string): string {
  return `the property ${quoteName(name)} is encrypted: records can be neither sorted nor grouped by it, and nothing is computed from it.`;
}

/** That there is such a property is no secret; whatever asks for its values is. */
export function fieldForbidden({ name: entity }: Entity, name: string): Problem {
  return new Problem(
    'record/field-forbidden',
    `Your roles may not read ${quoteName(name)} of ${quoteName(entity)}: nothing can be computed from it, nor filtered, sorted or grouped by it.`,
    { entity, property: name },
  );
}

function unknownName(entity: Entity, name: string): string {
  const known = [...knownFields(entity).values()].filter(({ kept }) => kept === null).map((entry) => entry.field.name);
  const near = closest(name, known);
  const listed = known.slice(0, NAMES_LISTED).map(quoteName).join(', ');
  const more = known.length > NAMES_LISTED ? ` and ${known.length - NAMES_LISTED} more` : '';
  return (
    `${quoteName(entity.name)} has no property ${quoteName(name)}.` +
    `${near === undefined ? '' : ` Did you mean ${quoteName(near)}?`} Its properties are ${listed}${more}.`
  );
}

/** The same name in another case, or the nearest within two typing errors; long names are not worth the comparison. */
function closest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  const wanted = name.toLowerCase();
  const tolerated = Math.min(2, Math.floor(wanted.length / 3));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > tolerated) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance <= tolerated && (!best || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), one row at a time. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : substituted;
      next.push(Math.min(substituted, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/**
 * What a tenant adds to an entity of a pack, kept apart from the pack's own document: so a new version of the pack can take
 * the place of the old one, and what the tenant added is still there.
 */

import { shownPointer } from '../../platform/json-faults.js';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { member } from '../change/member.js';
import { surplus } from '../change/surplus.js';
import { withBareWords } from '../document/dialect.js';
import { limitFaults, MAX_FAULTS } from '../document/limits.js';
import { isSystemMember } from '../entity.js';
import { shown } from '../names.js';
import { listOf, OPEN_LISTS, propertiesOf } from './document-parts.js';
import { packFault, packFaults } from './pack-faults.js';

/** As in an entity document, of which it is a part. What is empty is absent. */
export interface Additions {
  /** Name → schema, spelt as the tenant wrote it. No name is one of the pack's. */
  readonly properties?: JsonObject;
  /** Names of properties above only. */
  readonly required?: readonly string[];
  /** Entries of `uniqueKeys`; they may name properties of the pack as well. */
  readonly uniqueKeys?: readonly JsonValue[];
  /** Entries of `indexes`; likewise. */
  readonly indexes?: readonly JsonValue[];
}

/**
 * The document in force: the pack's members first, in its order and spelling, then what the tenant added.
 * @throws Error when both declare a property, which `conflictsOf` tells beforehand.
 */
export function withAdditions(packDocument: JsonObject, additions: Additions): JsonObject {
  const document = new Map<string, JsonValue>(Object.entries(packDocument));
  const [declared, own] = [propertiesOf(packDocument), additions.properties ?? {}];
  const twice = Object.keys(own).find((name) => Object.hasOwn(declared, name));
  if (twice !== undefined) throw new Error(`the pack and the tenant both declare ${shown(twice)}`);
  if (Object.keys(own).length > 0) document.set('properties', { ...declared, ...own });
  for (const word of OPEN_LISTS) {
    const added = additions[word] ?? [];
    if (added.length === 0) continue;
    const spellings = [word, `x-${word}`].filter((spelling) => Object.hasOwn(packDocument, spelling));
    for (const spelling of spellings.length > 0 ? spellings : [word]) {
      document.set(spelling, [...listOf(packDocument, spelling), ...added]);
    }
  }
  return Object.fromEntries(document);
}

/**
 * What of a whole document is the tenant's own. The rest must be the pack's, as JSON values: the order of members does not
 * count, nor that of the entries of `required`, `uniqueKeys` and `indexes`, nor whether a word is written with `x-`.
 * @param wanted any object. What is beyond the limits of the dialect is refused; whether the additions make sense is for
 * `readEntity` to say.
 * @returns the additions, or what keeps them from being told apart: at most 100 faults, with pointers into `wanted`.
 */
export function additionsOf(
  packDocument: JsonObject,
  wanted: JsonObject,
): { readonly additions: Additions } | { readonly faults: readonly Fault[] } {
  const oversize = limitFaults(wanted);
  if (oversize.length > 0) return { faults: oversize.map(clipped) };
  const [pack, bare] = [withBareWords(packDocument).document, withBareWords(wanted)];
  const faults = [...bare.faults, ...packFaults(pack, bare.document).map(bare.asWritten)];
  if (faults.length > 0) return { faults: faults.slice(0, MAX_FAULTS).map(clipped) };
  const properties = Object.entries(propertiesOf(wanted)).filter(([name]) => !Object.hasOwn(propertiesOf(pack), name));
  const lists = OPEN_LISTS.map((word) => [word, surplusOf(word, bare.document, pack)] as const);
  return {
    additions: {
      ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
      ...Object.fromEntries(lists.filter(([, entries]) => entries.length > 0)),
    },
  };
}

/**
 * What stands between a new version of the pack's document and what the tenant added under the old one. Empty when
 * `withAdditions` gives a document that means both. Pointers lead into `additions`; each message names the way out.
 */
export function conflictsOf(packDocument: JsonObject, additions: Additions): Fault[] {
  const pack = withBareWords(packDocument).document;
  const bare = withBareWords({ properties: additions.properties ?? {} });
  const [declared, own] = [propertiesOf(pack), propertiesOf(bare.document)];
  const isKnown = (name: string) => Object.hasOwn(declared, name) || Object.hasOwn(own, name) || isSystemMember(name);
  const faults = [
    ...Object.keys(own).flatMap((name) => nameConflicts(name, declared, own)),
    ...(additions.uniqueKeys ?? []).flatMap((key, index) => {
      const message = 'the pack makes the same properties a unique key: take your own key out first';
      const isTaken = listOf(pack, 'uniqueKeys').some((other) => isSameKey(key, other));
      return isTaken ? [packFault(pointer('/uniqueKeys', index), message)] : [];
    }),
    ...fieldsOf(additions).flatMap(({ name, at }) => {
      const message = `the pack does not declare ${shown(name)} any more: take this entry out first`;
      return isKnown(name) ? [] : [packFault(at, message)];
    }),
  ];
  return faults.map(bare.asWritten);
}

/** A property's name is taken, or the one it or the pack's was renamed from is. */
function nameConflicts(name: string, declared: JsonObject, own: JsonObject): Fault[] {
  const at = pointer('/properties', name);
  if (Object.hasOwn(declared, name)) {
    return [packFault(at, `the pack declares ${shown(name)} too: rename your own property first`)];
  }
  const taker = Object.keys(declared).find((other) => member(declared[other], 'renamedFrom') === name);
  if (taker !== undefined) {
    const message = `the pack takes ${shown(name)} for the former name of its own ${shown(taker)}: rename your own property first`;
    return [packFault(at, message)];
  }
  const former = member(own[name], 'renamedFrom');
  if (typeof former !== 'string' || !Object.hasOwn(declared, former)) return [];
  const message = `the pack declares ${shown(former)}, so nothing can be renamed from it: take the word renamedFrom out first`;
  return [packFault(pointer(at, 'renamedFrom'), message)];
}

/** The properties that the tenant's unique keys and indexes name, each with its place. */
function fieldsOf(additions: Additions): { readonly name: string; readonly at: string }[] {
  return (['uniqueKeys', 'indexes'] as const).flatMap((word) =>
    (additions[word] ?? []).flatMap((entry, index) => {
      const here = pointer(pointer('', word), index);
      const [fields, at] = isJsonObject(entry) ? [member(entry, 'fields'), pointer(here, 'fields')] : [entry, here];
      const names = Array.isArray(fields) ? fields.map(String) : [];
      return names.map((field, place) => ({
        name: word === 'indexes' ? field.replace(/^-/, '') : field,
        at: pointer(at, place),
      }));
    }),
  );
}

/** Unique keys over the same properties are one key, whatever their order. */
function isSameKey(a: JsonValue, b: JsonValue): boolean {
  return Array.isArray(a) && Array.isArray(b) && surplus(a, b).length === 0 && surplus(b, a).length === 0;
}

function surplusOf(word: string, wanted: JsonObject, pack: JsonObject): readonly JsonValue[] {
  return surplus(listOf(wanted, word), listOf(pack, word)).map(({ element }) => element);
}

/** A pointer repeats the names of a hostile document, which may be a megabyte long. */
function clipped(fault: Fault): Fault {
  return { ...fault, pointer: shownPointer(fault.pointer) };
}

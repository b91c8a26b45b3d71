/**
 * The size of an entity document, checked before anything recursive sees it: one loop over its values, which stops at the
 * first limit that says how much is left to look at. Used by `readEntity` only.
 */

import { isJsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { shown } from '../names.js';
import { MAX_PATTERN_LENGTH } from '../validation/pattern.js';
import { type Place, placeOf } from './schema-places.js';

/** What an entity document may hold at most. */
export const LIMITS = {
  /** Bytes of its text as UTF-8, about. */
  bytes: 1_000_000,
  /** Values of any kind, keys not counted. */
  nodes: 20_000,
  /** Objects and arrays inside each other. */
  jsonDepth: 64,
  /** Schemas inside each other. */
  schemaDepth: 32,
  /** Schemas altogether. Compiling takes ajv about 0.15 ms for each, on the event loop. */
  schemas: 600,
  /** Properties of the root, which are columns; Postgres has room for 1,600. */
  properties: 500,
  /** UTF-16 units of any string. */
  stringLength: 10_000,
  /** UTF-16 units of any member name. */
  keyLength: 1_000,
  enumValues: 1_000,
  /** Schemas in one `anyOf`, `oneOf` or `allOf`. */
  branches: 50,
  /** UTF-16 units of one regular expression. */
  patternLength: MAX_PATTERN_LENGTH,
  /** Regular expressions altogether; each may come to hold 1 MB. */
  patterns: 200,
  /** Compiled size of all regular expressions together, in RE2 instructions. */
  patternSteps: 20_000,
  /** Indexes, unique keys and relations altogether: each is paid for by every write. */
  indexes: 64,
  /** `$ref`s that lead into one another; ajv overflows the stack between 200 and 400. */
  referenceDepth: 100,
  /** Schemas that apply to one and the same value, `$ref`s followed. */
  applications: 10_000,
} as const;

/** A document with more faults than this is not worth reading to its end. */
export const MAX_FAULTS = 100;

interface Visit {
  readonly value: JsonValue;
  readonly place: Place;
  readonly key: string;
  readonly parent: Visit | null;
  readonly depth: number;
  readonly schemaDepth: number;
}

/** All faults of size, and text that no database could hold. Empty when the document is safe to walk. */
export function limitFaults(document: JsonValue): Fault[] {
  const reading = new Reading();
  const stack: Visit[] = [{ value: document, place: 'schema', key: '', parent: null, depth: 1, schemaDepth: 1 }];
  for (let visit = stack.pop(); visit && !reading.stopped; visit = stack.pop()) {
    if (!reading.admits(visit)) continue;
    if (!reading.hasRoomForChildren(visit)) break;
    const children = childVisits(visit);
    for (let index = children.length - 1; index >= 0; index--) stack.push(children[index]!);
  }
  return reading.faults;
}

function childVisits(parent: Visit): Visit[] {
  const { value, place } = parent;
  if (value === null || typeof value !== 'object') return [];
  const depth = parent.depth + 1;
  return Object.entries(value).map(([key, child]) => {
    const childPlace = placeBelow(place, key, Array.isArray(value));
    const schemaDepth = parent.schemaDepth + (childPlace === 'schema' ? 1 : 0);
    return { value: child, place: childPlace, key, parent, depth, schemaDepth };
  });
}

function placeBelow(place: Place, key: string, isArray: boolean): Place {
  if (place === 'schema') return isArray ? 'data' : placeOf(key);
  return place === 'data' ? 'data' : 'schema';
}

/** The running totals and what was found on the way. */
class Reading {
  readonly faults: Fault[] = [];
  stopped = false;
  private nodes = 1;
  private bytes = 0;
  private schemas = 0;

  /** Whether to look inside the value. */
  admits(visit: Visit): boolean {
    this.checkKey(visit);
    const { value } = visit;
    if (typeof value === 'string') this.checkText(value, visit);
    else if (typeof value === 'number') this.checkNumber(value, visit);
    if (value === null || typeof value !== 'object') {
      this.count(typeof value === 'string' ? Buffer.byteLength(value) + 2 : 8, visit);
      return false;
    }
    this.count(2, visit);
    return this.admitsDepth(visit) && this.admitsMembers(visit) && !this.stopped;
  }

  hasRoomForChildren(visit: Visit): boolean {
    const { value } = visit;
    this.nodes += Array.isArray(value) ? value.length : Object.keys(value as object).length;
    if (this.nodes <= LIMITS.nodes) return true;
    this.stop(visit, `the document holds more than ${LIMITS.nodes} values; here the limit is passed`);
    return false;
  }

  private admitsDepth(visit: Visit): boolean {
    if (visit.depth > LIMITS.jsonDepth) {
      return this.refuse(visit, `objects and arrays are nested deeper than ${LIMITS.jsonDepth} levels`);
    }
    if (visit.place !== 'schema') return true;
    this.schemas += 1;
    if (this.schemas > LIMITS.schemas) this.stop(visit, `the document holds more than ${LIMITS.schemas} schemas`);
    return (
      visit.schemaDepth <= LIMITS.schemaDepth || this.refuse(visit, `schemas are nested deeper than ${LIMITS.schemaDepth} levels`)
    );
  }

  /** The limits on lists and maps that belong to one keyword. */
  private admitsMembers(visit: Visit): boolean {
    const { value, key, parent, place } = visit;
    if (parent?.place !== 'schema') return true;
    if (key === 'enum' && Array.isArray(value) && value.length > LIMITS.enumValues) {
      return this.refuse(visit, `enum has ${value.length} values; at most ${LIMITS.enumValues} are allowed`);
    }
    if (place === 'list' && key !== 'prefixItems' && Array.isArray(value) && value.length > LIMITS.branches) {
      return this.refuse(visit, `${key} has ${value.length} schemas; at most ${LIMITS.branches} are allowed`);
    }
    if (key === 'properties' && parent.parent === null && isJsonObject(value)) {
      const count = Object.keys(value).length;
      if (count > LIMITS.properties) {
        return this.refuse(visit, `the entity has ${count} properties; at most ${LIMITS.properties} are allowed`);
      }
    }
    return true;
  }

  private checkKey(visit: Visit): void {
    const { key, parent } = visit;
    if (parent === null || Array.isArray(parent.value)) return;
    this.count(Buffer.byteLength(key) + 4, visit);
    if (key.length > LIMITS.keyLength) {
      this.refuse(parent, `a member name is ${key.length} characters long; at most ${LIMITS.keyLength} are allowed`);
    } else if (key === '__proto__') {
      this.add(visit, 'name', 'no member may be named "__proto__": it would change objects of the software that reads it');
    } else {
      this.checkCharacters(key, visit, 'the member name');
    }
  }

  private checkText(text: string, visit: Visit): void {
    const isPattern = visit.key === 'pattern' && visit.parent?.place === 'schema';
    const limit = isPattern ? LIMITS.patternLength : LIMITS.stringLength;
    if (text.length > limit) {
      this.refuse(
        visit,
        `${isPattern ? 'the pattern' : 'the text'} is ${text.length} characters long; at most ${limit} are allowed`,
      );
    } else {
      this.checkCharacters(text, visit, 'the text');
    }
  }

  private checkCharacters(text: string, visit: Visit, what: string): void {
    if (text.includes('\u0000')) {
      this.add(visit, 'text', `${what} ${shown(text)} holds U+0000, which a database cannot store`);
    } else if (/\p{Surrogate}/u.test(text)) {
      this.add(visit, 'text', `${what} ${shown(text)} holds half of a surrogate pair, which is not a character`);
    }
  }

  private checkNumber(value: number, visit: Visit): void {
    if (!Number.isFinite(value)) this.add(visit, 'number', 'the number is too large for a double-precision float (IEEE 754)');
  }

  private count(bytes: number, visit: Visit): void {
    this.bytes += bytes;
    if (this.bytes > LIMITS.bytes)
      this.stop(visit, `the document is larger than ${LIMITS.bytes} bytes; here the limit is passed`);
  }

  private stop(visit: Visit, message: string): void {
    if (!this.stopped) this.refuse(visit, message);
    this.stopped = true;
  }

  private refuse(visit: Visit, message: string): false {
    this.add(visit, 'limit', message);
    return false;
  }

  private add(visit: Visit, rule: string, message: string): void {
    this.faults.push({ pointer: pointerOf(visit), rule, message });
    if (this.faults.length >= MAX_FAULTS) this.stopped = true;
  }
}

function pointerOf(visit: Visit): string {
  const keys: string[] = [];
  for (let at: Visit = visit; at.parent !== null; at = at.parent) keys.push(at.key);
  return keys.reduceRight(pointer, '');
}

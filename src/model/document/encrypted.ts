/** The word `encrypted` of a property, and what cannot be had together with it. Used by `readProperty` only. */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import type { ColumnType, Encryption, Property } from '../entity.js';
import { isRangeType } from '../values/range.js';
import { possibleValues } from './possible-values.js';

/** @param of what the values are */
export function encryptionOf(word: JsonValue | undefined, of: ColumnType): Encryption | undefined {
  if (word === undefined || word === false) return undefined;
  return { of, searchable: isJsonObject(word) && word.searchable === 'equality' };
}

/** Words that would have the store keep, make or compare the values outside of the cells. */
const EXCLUDED: readonly (readonly [word: string, why: string])[] = [
  ['default', 'it would stand in the document, readable for everybody: leave it out, and send the value with each record'],
  ['generated', 'what the store sets by itself is no secret from it: remove "generated" or "encrypted"'],
  ['relation', 'the database compares both ends of a relation and cannot read this one: remove "relation" or "encrypted"'],
  ['searchable', 'full-text search would keep its words beside it, readable: remove "searchable", and use "encrypted"'],
  ['semantic', 'an embedding tells what the text says: remove "semantic" or "encrypted"'],
];

/** @param schemas of the property, its own first, and what its references lead to */
export function encryptionFaults(property: Property, schemas: readonly JsonObject[], at: string): Fault[] {
  const { encrypted } = property;
  if (!encrypted) return [];
  const words: JsonObject = schemas[0] ?? {};
  const excluded = EXCLUDED.flatMap(([word, why]) => {
    const value = word === 'default' ? property.default : words[word];
    if (value === undefined || (value === false && word !== 'default')) return [];
    return [fault(pointer(at, word), `an encrypted property cannot have it: ${why}`)];
  });
  if (!encrypted.searchable) return excluded;
  const why = unsearchable(property, encrypted.of, schemas);
  if (why === undefined) return excluded;
  return [...excluded, fault(pointer(pointer(at, 'encrypted'), 'searchable'), `${why}; "encrypted": true keeps it unsearchable`)];
}

/**
 * Equal values have equal tags, so whoever has the column sees how often each comes, and where there are few, how often tells which is
 * which: hospital records were read back so (Naveed, Kamara and Wright, "Inference Attacks on Property-Preserving Encrypted Databases",
 * CCS 2015). More values than this are asked for, which leaves out every list of choices (at most 1,000), ages, years, percentages,
 * numbers of four digits and codes of two letters, and lets in dates and whatever is written with three characters or more.
 */
const TOO_FEW = 10_000;

function unsearchable(property: Property, of: ColumnType, schemas: readonly JsonObject[]): string | undefined {
  if (of === 'jsonb') return 'has no single scalar type, so there is no telling which of its values are equal';
  if (isRangeType(of)) return 'a range is asked what it overlaps and contains, which no tag of it can tell';
  const count = possibleValues(schemas, of, property);
  if (count > TOO_FEW) return undefined;
  const few = count === 1 ? 'there is one value only' : `there are at most ${count.toLocaleString('en')} values`;
  return `${few}, which their frequencies would tell apart (more than ${TOO_FEW.toLocaleString('en')} are needed)`;
}

function fault(at: string, message: string): Fault {
  return { pointer: at, rule: 'encrypted', message };
}

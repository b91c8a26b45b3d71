import { setImmediate } from 'node:timers/promises';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import type { Precondition } from '../http/precondition.js';
import type { Entity } from '../model/entity.js';
import { type ConflictKey, type Key, memberText } from '../model/statements/conflict-key.js';
import { isJsonObject, type JsonObject, pointer } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import type { IncomingBody } from './incoming-bodies.js';
import { type IncomingRecord, incomingInsert } from './incoming-record.js';
import { assertValid, prefixed } from './record-faults.js';

/** The bodies of an upsert as records with keys, before anybody knows which of them there are. */

/** Records prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/** What an upsert is to do, once the request is understood. */
export interface Upsert {
  readonly tx: TenantTx;
  readonly defined: DefinedEntity;
  readonly key: ConflictKey;
  readonly bodies: readonly IncomingBody[];
  /** Faults name the place of the record in the body. */
  readonly isArray: boolean;
  /** A record that is there: takes the given members over, or becomes what is sent. */
  readonly onto: 'merge' | 'replace';
  readonly precondition: Precondition;
  /** Nothing follows in the transaction, and nobody refuses what was written: it may be committed with its last statement. */
  readonly isLast: boolean;
}

/** A record of the body on its way. */
export interface Candidate {
  readonly index: number;
  readonly at: string;
  readonly given: IncomingBody;
  /** What it is when there is none with its key. */
  readonly fresh: IncomingRecord;
  /** Of `fresh`, the rules of the document included. */
  readonly faults: readonly Fault[];
  readonly key: Key;
}

/** @throws Problem record/invalid for what is no record, and for a key that no record can have */
export async function candidatesOf({ tx, defined, key, bodies, isArray }: Upsert): Promise<Candidate[]> {
  const { entity, validator } = defined;
  const wrong: Fault[] = [];
  const candidates: Candidate[] = [];
  for (const [index, given] of bodies.entries()) {
    if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
    const at = isArray ? `/${index}` : '';
    const fresh = incomingInsert(entity, given.body, tx.actor.subject, at, given.emptied);
    if (!isJsonObject(given.body)) {
      wrong.push(...fresh.faults);
      continue;
    }
    const faults = [...fresh.faults, ...prefixed(at, validator.validate(fresh.content))];
    // What is wrong with a key is wrong whether there is a record with it or not. A store-set one may be sent back.
    const ofKey = faults.filter(({ pointer: place, rule }) => rule !== 'readOnly' && isOfKey(key, at, place));
    wrong.push(...ofKey);
    if (ofKey.length === 0) candidates.push({ index, at, given, fresh, faults, key: keyOf(entity, key, given.body, fresh) });
  }
  assertValid(wrong);
  return candidates;
}

function isOfKey({ members }: ConflictKey, at: string, place: string): boolean {
  return members.some(({ name }) => `${place}/`.startsWith(`${pointer(at, name)}/`));
}

/** Defaults included: a key is that of the record as it would be stored. An id that the store gives is nobody's. */
function keyOf(entity: Entity, { members }: ConflictKey, body: JsonObject, { id, content }: IncomingRecord): Key {
  return members.map((member) => {
    const { name, at } = member;
    if (!entity.properties[at]) return Object.hasOwn(body, 'id') ? id : null;
    const value = Object.hasOwn(content, name) ? content[name] : null;
    return value === null || value === undefined ? null : memberText(member, entity, value);
  });
}

/** Postgres changes no record twice in one statement; told here with the places, where the texts are the same. */
export function assertDistinct(key: ConflictKey, candidates: readonly Candidate[]): void {
  const first = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (candidate.key.includes(null)) continue;
    const text = JSON.stringify(candidate.key);
    const other = first.get(text);
    if (other) throw repeated(key, [other, candidate]);
    first.set(text, candidate);
  }
}

export function repeated({ members }: ConflictKey, candidates: readonly Candidate[]): Problem {
  const names = members.map(({ name }) => name);
  return new Problem('record/key-repeated', `Two records of the body have the same ${names.join(' and ')}. Send it once.`, {
    errors: candidates.flatMap(({ at }) =>
      names.map((name) => ({ pointer: pointer(at, name), rule: 'unique', message: 'is sent twice' })),
    ),
  });
}

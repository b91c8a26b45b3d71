/**
 * Names: which logical names a document may use, and the physical name each one gets in the database. Physical names are
 * functions of the logical ones alone, so nothing has to be looked up and the same document gives the same table anywhere.
 */

import { createHash } from 'node:crypto';
import type { Fault } from '../platform/problem.js';
import { EXTRA_COLUMN, isSystemMember, TENANT_COLUMN } from './entity.js';

/** Postgres cuts identifiers at 63 bytes without a word; 45 leaves room for whatever it derives by itself. */
export const MAX_PHYSICAL_BYTES = 45;

/** Code points of a logical name. */
const MAX_NAME_LENGTH = 128;

const ENTITY_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const PROPERTY_NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_-]*$/u;

/** PostgREST clients call functions at `/rest/v1/rpc`. */
const RESERVED_ENTITIES: ReadonlySet<string> = new Set(['rpc']);

/** Columns every Postgres table has; declaring one is SQLSTATE 42701. */
const POSTGRES_COLUMNS: ReadonlySet<string> = new Set(['oid', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

const PLAIN = /^\p{L}[\p{L}\p{M}\p{N}_-]*$/u;
const HASH_LENGTH = 25;

/**
 * The table or column of a logical name: the name itself where Postgres can hold it unchanged, otherwise a readable
 * beginning, `~` and 128 bits of SHA-256 in base 36. No logical name holds `~`, so the two forms never meet.
 */
export function physicalName(logical: string): string {
  const plain = PLAIN.test(logical) && logical === logical.normalize('NFC') && bytes(logical) <= MAX_PHYSICAL_BYTES;
  if (plain && !isStoreColumn(logical) && !POSTGRES_COLUMNS.has(logical)) return logical;
  return hashed(logical, ['name', logical]);
}

/**
 * The name of a constraint or index: its physical parts and the suffix joined with `.`, which no physical name holds, or
 * hashed as above when that is longer than 45 bytes. Different (parts, suffix) give different names, and never a table's.
 */
export function derivedName(parts: readonly string[], suffix: string): string {
  const words = [...parts, suffix];
  const joined = words.join('.');
  const exact = words.every((word) => word !== '' && !word.includes('.') && !word.includes('\u0000'));
  return exact && parts.length > 0 && bytes(joined) <= MAX_PHYSICAL_BYTES ? joined : hashed(joined, ['derived', ...words]);
}

/** What a table or column is called while it is kept after it was dropped by version `version`; no logical name begins with `~`. */
export function hiddenName(physical: string, version: number): string {
  const plain = `~${version}~${physical}`;
  return bytes(plain) <= MAX_PHYSICAL_BYTES ? plain : `~${hashed(physical, ['hidden', physical, String(version)])}`;
}

/**
 * The column of an encrypted property. Another one than the same property would have in plain text: whoever has not heard that it was
 * encrypted, or that it is not any more, meets a column that is missing, and never takes one kind of value for the other.
 */
export function sealedName(physical: string): string {
  const plain = `${physical}~sealed`;
  return bytes(plain) <= MAX_PHYSICAL_BYTES ? plain : hashed(physical, ['sealed', physical]);
}

/** Empty when `name` may name an entity; it stands in URLs and in relations. */
export function entityNameFaults(name: string, at: string): Fault[] {
  const message = lengthMessage(name) ?? entityMessage(name);
  return message === undefined ? [] : [{ pointer: at, rule: 'name', message: `the entity name ${shown(name)} ${message}` }];
}

/** Empty when `name` may name a property; it stands in records and in query strings. */
export function propertyNameFaults(name: string, at: string): Fault[] {
  const message = lengthMessage(name) ?? propertyMessage(name);
  return message === undefined ? [] : [{ pointer: at, rule: 'name', message: `the property name ${shown(name)} ${message}` }];
}

/** A name or value of a document as a message may carry it: JSON spelling, nothing invisible, at most 60 characters of it. */
export function shown(text: string): string {
  const clipped = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(clipped).replace(
    /[^\x20-\x7e\p{L}\p{M}\p{N}…]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

function lengthMessage(name: string): string | undefined {
  if (name === '') return 'is empty';
  const length = [...name].length;
  return length > MAX_NAME_LENGTH ? `is ${length} characters long; at most ${MAX_NAME_LENGTH} are allowed` : undefined;
}

function entityMessage(name: string): string | undefined {
  if (!ENTITY_NAME.test(name)) {
    return `${firstStray(name, /[A-Za-z]/, /[A-Za-z0-9_-]/)}; it must begin with a letter A-Z and go on with letters, digits, "_" and "-"`;
  }
  if (RESERVED_ENTITIES.has(name)) return 'is reserved: it is part of a path of this service';
  return inheritedMessage(name);
}

function propertyMessage(name: string): string | undefined {
  if (name === TENANT_COLUMN) return 'is reserved: every row carries it and no record shows it';
  if (name.startsWith(EXTRA_COLUMN)) return `is reserved: names beginning with "${EXTRA_COLUMN}" belong to the store`;
  const inherited = inheritedMessage(name);
  if (inherited !== undefined) return inherited;
  if (!PROPERTY_NAME.test(name)) {
    return `${firstStray(name, /[\p{L}_]/u, /[\p{L}\p{M}\p{N}_-]/u)}; it must begin with a letter or "_" and go on with letters, digits, "_" and "-"`;
  }
  if (name !== name.normalize('NFC')) {
    return `is not in Unicode normalization form NFC; write it as ${shown(name.normalize('NFC'))}, which looks the same`;
  }
  return undefined;
}

/** `toString` and its like are found on every JavaScript object, so software would see the member where there is none. */
function inheritedMessage(name: string): string | undefined {
  if (name !== 'prototype' && !(name in Object.prototype)) return undefined;
  return 'is reserved: JavaScript gives every object a member of this name';
}

function firstStray(name: string, first: RegExp, rest: RegExp): string {
  const characters = [...name];
  const at = characters.findIndex((character, index) => !(index === 0 ? first : rest).test(character));
  const code = characters[at]!.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  return `has the character U+${code} at position ${at + 1}`;
}

function isStoreColumn(name: string): boolean {
  return isSystemMember(name) || name === TENANT_COLUMN;
}

function hashed(readable: string, identity: readonly string[]): string {
  // UTF-16, since UTF-8 would make all lone surrogates one.
  const digest = createHash('sha256')
    .update(Buffer.from(JSON.stringify(identity), 'utf16le'))
    .digest('hex');
  const hash = BigInt(`0x${digest.slice(0, 32)}`)
    .toString(36)
    .padStart(HASH_LENGTH, '0');
  return `${readableStart(readable, MAX_PHYSICAL_BYTES - HASH_LENGTH - 1)}~${hash}`;
}

function readableStart(text: string, limit: number): string {
  let start = '';
  for (const character of text.slice(0, limit).normalize('NFC')) {
    const next = start + (/[\p{L}\p{M}\p{N}_.-]/u.test(character) ? character : '_');
    if (bytes(next) > limit) break;
    start = next;
  }
  return start;
}

function bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** Unique keys and indexes of an entity document, named and checked against its properties. Used by `readEntity` only. */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import {
  type ColumnType,
  type Encryption,
  type Index,
  type IndexMethod,
  isSystemMember,
  type Property,
  SYSTEM_MEMBERS,
  type UniqueKey,
} from '../entity.js';
import { derivedName, shown } from '../names.js';
import { LIMITS } from './limits.js';

interface Keys {
  readonly uniqueKeys: readonly UniqueKey[];
  readonly indexes: readonly Index[];
  readonly faults: readonly Fault[];
}

/** `schemas` is the root `properties` of the document; `properties` what was read from it. */
export function readKeys(table: string, document: JsonObject, properties: readonly Property[]): Keys {
  const known = new Map(properties.map((property) => [property.name, property]));
  const reader = new KeyReader(table, known);
  for (const { name } of properties) {
    const words = wordsOf(document, name);
    const at = pointer('/properties', name);
    if (words.unique === true) reader.addUnique([name], [pointer(at, 'unique')]);
    if (words.index === true) reader.addIndex([name], [pointer(at, 'index')], 'btree');
    if (isJsonObject(words.index)) reader.addIndex([name], [pointer(at, 'index')], words.index.method as IndexMethod);
  }
  for (const [at, fields] of listsOf(document, 'uniqueKeys')) reader.addUnique(fields as string[], pointersOf(at, fields));
  for (const [at, index] of listsOf(document, 'indexes')) {
    const fields = (isJsonObject(index) ? index.fields : index) as string[];
    const method = isJsonObject(index) && index.method !== undefined ? (index.method as IndexMethod) : 'btree';
    reader.addIndex(fields, pointersOf(isJsonObject(index) ? pointer(at, 'fields') : at, fields), method);
  }
  for (const { name, encrypted } of properties) if (encrypted?.searchable) reader.addOwnIndex(name);
  const relations = properties.filter(({ relation }) => relation !== undefined).length;
  return {
    uniqueKeys: reader.uniqueKeys,
    indexes: reader.indexes,
    faults: [...reader.faults, ...countFaults(reader, relations)],
  };
}

/** The physical name of a unique constraint. */
export function uniqueKeyName(table: string, columns: readonly string[]): string {
  return derivedName([table, ...columns], 'key');
}

/** The physical name of an index; two that differ in order or method have different names. */
export function indexName(
  table: string,
  fields: readonly { readonly column: string; readonly descending: boolean }[],
  method: IndexMethod,
): string {
  const parts = fields.map(({ column, descending }) => (descending ? `-${column}` : column));
  return derivedName([table, ...parts], method === 'btree' ? 'idx' : `${method}_idx`);
}

const SEARCHABLE = '"encrypted": { "searchable": "equality" }';

class KeyReader {
  readonly uniqueKeys: UniqueKey[] = [];
  readonly indexes: Index[] = [];
  readonly faults: Fault[] = [];

  constructor(
    private readonly table: string,
    private readonly known: ReadonlyMap<string, Property>,
  ) {}

  addUnique(names: readonly string[], places: readonly string[]): void {
    const found = names.map((name, index) => this.uniqueMember(name, places[index]!));
    if (found.includes(undefined)) return;
    const members = found as Property[];
    const same = (key: UniqueKey) =>
      key.properties.length === names.length && names.every((name) => key.properties.includes(name));
    if (this.uniqueKeys.some(same)) {
      this.add(places[0]!, 'uniqueKeys', 'the same properties are a unique key already');
      return;
    }
    const columns = members.map(({ column }) => column);
    this.uniqueKeys.push({ name: uniqueKeyName(this.table, columns), properties: names });
  }

  private uniqueMember(name: string, at: string): Property | undefined {
    const property = this.known.get(name);
    if (!property) this.add(at, 'uniqueKeys', `there is no property ${shown(name)}; a unique key is made of declared properties`);
    else if (property.encrypted && !property.encrypted.searchable)
      this.add(at, 'unique', `${shown(name)} is encrypted, and equal values of it are found with ${SEARCHABLE} only: say so`);
    else if (property.type === 'jsonb')
      this.add(at, 'unique', `${shown(name)} has no single scalar type and cannot be part of a unique key`);
    else return property;
    return undefined;
  }

  /** The same index asked for in two places is built once. */
  addIndex(names: readonly string[], places: readonly string[], method: IndexMethod): void {
    if (method === 'trgm') return; // refused elsewhere, as not supported
    const faultsBefore = this.faults.length;
    const fields = names.map((name, index) => this.indexField(name, places[index]!, method));
    const twice = fields.findIndex(({ property }, index) => fields.findIndex((other) => other.property === property) < index);
    if (twice >= 0) this.add(places[twice]!, 'indexes', `${shown(fields[twice]!.property)} is in this index already`);
    if (this.faults.length > faultsBefore) return;
    const name = indexName(this.table, fields, method);
    if (this.indexes.some((index) => index.name === name)) return;
    this.indexes.push({ name, method, fields: fields.map(({ property, descending }) => ({ property, descending })) });
  }

  /** By which equal values of an encrypted property are found, unless the index of a unique key begins with it. */
  addOwnIndex(name: string): void {
    if (this.uniqueKeys.some(({ properties: [first] }) => first === name)) return;
    const field = { property: name, descending: false };
    const { column } = this.member(name);
    this.indexes.push({ name: indexName(this.table, [{ ...field, column }], 'btree'), method: 'btree', fields: [field] });
  }

  /** Of what is over tags there are two, see `ddl/sealed-index.ts`. */
  countOf(names: readonly string[]): number {
    return names.some((name) => this.known.get(name)?.encrypted) ? 2 : 1;
  }

  private indexField(written: string, at: string, method: IndexMethod): Index['fields'][number] & { readonly column: string } {
    const descending = written.startsWith('-');
    const property = descending ? written.slice(1) : written;
    const { type, column } = this.member(property);
    const encrypted = this.known.get(property)?.encrypted;
    if (!type) this.add(at, 'indexes', `there is no property ${shown(property)} to index`);
    else if (encrypted) this.add(at, 'index', `${shown(property)} is encrypted, and ${unindexed(encrypted)}: leave it out here`);
    else this.checkMethod(property, type, method, at);
    if (descending && method !== 'btree')
      this.add(at, 'indexes', `only btree keeps an order: write ${shown(property)} without "-"`);
    return { property, descending, column };
  }

  private member(name: string): { readonly type?: ColumnType; readonly column: string } {
    if (isSystemMember(name)) return { type: SYSTEM_MEMBERS[name], column: name };
    return { type: this.known.get(name)?.type, column: this.known.get(name)?.column ?? '' };
  }

  private checkMethod(name: string, type: ColumnType, method: IndexMethod, at: string): void {
    if (type === 'jsonb' && method !== 'gin') {
      this.add(at, 'index', `${shown(name)} is stored as jsonb, which only { "method": "gin" } can index`);
    } else if (type !== 'jsonb' && method === 'gin') {
      this.add(at, 'index', `gin indexes jsonb only; ${shown(name)} is stored as ${type}, for which btree is right`);
    } else if (type === 'boolean' && method === 'brin') {
      this.add(at, 'index', `brin needs an ordered type; ${shown(name)} is stored as boolean`);
    }
  }

  private add(at: string, rule: string, message: string): void {
    this.faults.push({ pointer: at, rule, message });
  }
}

function unindexed({ searchable }: Encryption): string {
  if (searchable) return 'has an index for equal values by itself; no other could tell anything of it';
  return `an index could tell nothing of it; equal values are found with ${SEARCHABLE}`;
}

function countFaults(reader: KeyReader, relations: number): Fault[] {
  const lists = [
    ...reader.uniqueKeys.map(({ properties }) => properties),
    ...reader.indexes.map(({ fields }) => fields.map(({ property }) => property)),
  ];
  const count = lists.reduce((sum, names) => sum + reader.countOf(names), relations);
  if (count <= LIMITS.indexes) return [];
  const message = `the entity has ${count} indexes, unique keys and relations; at most ${LIMITS.indexes} are allowed`;
  return [{ pointer: '', rule: 'limit', message }];
}

function wordsOf(document: JsonObject, name: string): JsonObject {
  const schema = isJsonObject(document.properties) ? document.properties[name] : undefined;
  return isJsonObject(schema) ? schema : {};
}

function listsOf(document: JsonObject, word: string): [at: string, value: JsonValue][] {
  const list = document[word];
  return Array.isArray(list) ? list.map((value, index) => [pointer(`/${word}`, index), value]) : [];
}

function pointersOf(at: string, fields: JsonValue): string[] {
  return (fields as readonly string[]).map((_, index) => pointer(at, index));
}

/**
 * A pack: a versioned set of entity documents that ships with the product (`schemas/packs/<pack>/<version>/`). Reading one
 * checks everything that would stop its installation. A fault here is the product's, so it is an Error, not a Problem.
 */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { relationFaults } from '../ddl/relation-faults.js';
import { readEntity } from '../document/read-entity.js';
import type { Entity } from '../entity.js';
import { entityNameFaults, shown } from '../names.js';

export interface Pack {
  /** As its folder is called, e.g. `security`. */
  readonly name: string;
  /** `x.y.z` (Semantic Versioning 2.0.0, §2), e.g. `1.0.0`. */
  readonly version: string;
  readonly title: string;
  readonly description: string;
  /** In an order in which relations resolve: each leads to the entity itself or to one before it. */
  readonly entities: readonly { readonly name: string; readonly document: JsonObject }[];
}

const MANIFEST = 'pack.json';
const MEMBERS = ['name', 'version', 'title', 'description', 'entities'];
const NAME = /^[a-z][a-z0-9-]{0,62}$/;
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;

/**
 * @param manifest what `pack.json` holds: exactly name, version, title, description and entities, a list of names.
 * @param documentOf what `<entity>.json` holds; asked only for names that may name an entity, never for a path.
 * @throws Error that names the file, the place in it and what is wrong there. What `documentOf` throws goes through.
 */
export function readPack(manifest: JsonValue, documentOf: (entity: string) => JsonValue): Pack {
  if (!isJsonObject(manifest)) throw fault(MANIFEST, '', 'it is not an object');
  const stray = Object.keys(manifest).find((member) => !MEMBERS.includes(member));
  if (stray !== undefined) throw fault(MANIFEST, pointer('', stray), `a manifest has ${MEMBERS.join(', ')} and nothing else`);
  const name = text(manifest, 'name');
  if (!NAME.test(name)) throw fault(MANIFEST, '/name', `${shown(name)} is not a name such as "security"`);
  const version = text(manifest, 'version');
  if (!isVersion(version)) throw fault(MANIFEST, '/version', `${shown(version)} is not a version such as "1.0.0"`);
  const [title, description] = [text(manifest, 'title'), text(manifest, 'description')];

  const read = new Map<string, Entity>();
  const entities = entityNames(manifest).map((entity) => {
    const document = documentOf(entity);
    read.set(entity, readDocument(entity, document, read));
    return { name: entity, document: document as JsonObject };
  });
  return { name, version, title, description, entities };
}

/** Whether it is `x.y.z` without leading zeros, each part at most 9 digits; pre-releases and builds are not. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Negative when `a` is the older version, 0 when they are the same. Made for `sort`. @throws Error unless both are `x.y.z`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const differing = left.findIndex((part, index) => part !== right[index]);
  return differing < 0 ? 0 : left[differing]! - right[differing]!;
}

function partsOf(version: string): number[] {
  if (!isVersion(version)) throw new Error(`${shown(version)} is not a version such as "1.0.0"`);
  return version.split('.').map(Number);
}

function text(manifest: JsonObject, member: string): string {
  const value = Object.hasOwn(manifest, member) ? manifest[member] : undefined;
  if (typeof value !== 'string' || value.trim() === '') throw fault(MANIFEST, pointer('', member), 'a text has to stand here');
  return value;
}

function entityNames(manifest: JsonObject): readonly string[] {
  const names = Object.hasOwn(manifest, 'entities') ? manifest.entities : undefined;
  if (!Array.isArray(names) || names.length === 0) throw fault(MANIFEST, '/entities', 'a list of entity names has to stand here');
  const seen = new Set<string>();
  return names.map((name: JsonValue, index) => {
    const at = pointer('/entities', index);
    if (typeof name !== 'string') throw fault(MANIFEST, at, 'an entity name has to stand here');
    const [nameFault] = entityNameFaults(name, at);
    if (nameFault) throw fault(MANIFEST, at, nameFault.message);
    // Names are files here, and some file systems do not tell upper from lower case.
    const file = `${name}.json`.toLowerCase();
    if (file === MANIFEST) throw fault(MANIFEST, at, `an entity ${shown(name)} would have the manifest for its document`);
    if (seen.has(file)) throw fault(MANIFEST, at, `${shown(name)} is listed already`);
    seen.add(file);
    return name;
  });
}

function readDocument(name: string, document: JsonValue, before: ReadonlyMap<string, Entity>): Entity {
  const file = `${name}.json`;
  const entity = readOrExplain(name, file, document);
  for (const property of entity.properties) {
    const target = property.relation?.entity;
    if (target === undefined || target === name || before.has(target)) continue;
    const message = `a relation leads to ${shown(target)}, which ${MANIFEST} does not list before ${shown(name)}`;
    throw fault(file, pointer(pointer('/properties', property.name), 'relation'), message);
  }
  const faults = relationFaults(entity, (target) => before.get(target));
  if (faults.length > 0) throw faultsIn(file, faults);
  return entity;
}

function readOrExplain(name: string, file: string, document: JsonValue): Entity {
  try {
    return readEntity(name, document);
  } catch (error) {
    const faults = error instanceof Problem ? error.extensions.errors : undefined;
    throw faults === undefined ? error : faultsIn(file, faults);
  }
}

function faultsIn(file: string, faults: readonly Fault[]): Error {
  const [first, ...others] = faults;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return fault(file, first!.pointer, `${first!.message}${more}`);
}

function fault(file: string, at: string, message: string): Error {
  return new Error(`${file}${at === '' ? '' : ` at ${at}`}: ${message}`);
}

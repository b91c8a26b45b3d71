/** Which properties stayed, came, went or were renamed. Used by `compareEntities`. */

import { isJsonObject, type JsonObject, pointer } from '../../platform/json-value.js';
import type { Entity } from '../entity.js';
import type { Change } from './change.js';
import { compareProperty, type Declared } from './compare-property.js';
import { compareRequired, requiredNames } from './compare-required.js';
import { keywordChanges } from './keyword-changes.js';
import { member } from './member.js';
import type { References } from './references.js';
import type { Renames } from './renames.js';

/** Covers the root keywords `properties` and `required`: one cannot be judged without the other. */
export function compareProperties(before: Entity, after: Entity, refs: References, renames: Renames): Change[] {
  const [old, fresh] = [declaredIn(before), declaredIn(after)];
  if (!old || !fresh) {
    const at = '/properties';
    return keywordChanges('properties', member(before.document, 'properties'), member(after.document, 'properties'), at, refs);
  }
  const stayed = new Set(renames.values());
  const changes = [...fresh.values()].flatMap((declared) => {
    const { name } = declared;
    const from = renames.get(name) ?? name;
    const was = old.get(from);
    if (!was) return [addition(before, after, declared, refs)];
    stayed.add(from);
    const rename = from === name ? [] : [renaming(from, name)];
    return [...rename, ...compareProperty(was, declared, refs)];
  });
  const removals = [...old.keys()].filter((name) => !stayed.has(name)).map(removal);
  return [...changes, ...removals, ...compareRequired(before.document, after.document, { old, fresh, renames })];
}

function declaredIn(entity: Entity): ReadonlyMap<string, Declared> | undefined {
  const properties = Object.hasOwn(entity.document, 'properties') ? entity.document.properties : {};
  if (!isJsonObject(properties)) return undefined;
  const columns = new Map(entity.properties.map((property) => [property.name, property]));
  return new Map(Object.entries(properties).map(([name, schema]) => [name, { name, schema, property: columns.get(name) }]));
}

function renaming(from: string, name: string): Change {
  return {
    kind: 'property-renamed',
    pointer: pointer(pointer('/properties', name), 'renamedFrom'),
    message: `${JSON.stringify(from)} is renamed to ${JSON.stringify(name)}`,
    additive: false,
    property: name,
  };
}

function removal(name: string): Change {
  const message = `${JSON.stringify(name)} is removed, with what records hold in it`;
  return { kind: 'property-removed', pointer: pointer('/properties', name), message, additive: false, property: name };
}

/** Additive when no existing record can be touched: optional, really new, and no record can hold such a member unnoticed. */
function addition(before: Entity, after: Entity, { name, schema, property }: Declared, refs: References): Change {
  const added = { kind: 'property-added', pointer: pointer('/properties', name), property: name } as const;
  const quoted = JSON.stringify(name);
  const refusal = additionRefusal(after, { name, schema, property }, refs);
  if (refusal) return { ...added, message: `${quoted} is added, and ${refusal}`, additive: false };
  if (!admitsUndeclared(before.document))
    return { ...added, message: `the optional property ${quoted} is added`, additive: true };
  const message = `the optional property ${quoted} is added, and records may already hold an undeclared member of that name`;
  return { ...added, message, additive: false, needsCheck: 'extras' };
}

function additionRefusal(after: Entity, { name, schema, property }: Declared, refs: References): string | undefined {
  if (!property) return 'it has no column of its own';
  if (property.required || requiredNames(after.document).includes(name))
    return 'it is required, which existing records do not satisfy';
  if (member(schema, 'renamedFrom') !== undefined) return 'its renamedFrom names no property that is gone';
  if (refs.mayReachRoot) return 'a $ref of this document makes the properties of the entity describe nested values too';
  return undefined;
}

/** `additionalProperties: false` looks at `properties` and `patternProperties` beside it, and at nothing else. */
function admitsUndeclared(document: JsonObject): boolean {
  return member(document, 'additionalProperties') !== false || member(document, 'patternProperties') !== undefined;
}

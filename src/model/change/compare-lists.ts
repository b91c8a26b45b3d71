/** The entity's `uniqueKeys` and `indexes`: bags of entries, whose order says nothing. Used by `compareEntities`. */

import { isJsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Entity } from '../entity.js';
import type { Change } from './change.js';
import { isSameValue } from './first-difference.js';
import { keywordChanges } from './keyword-changes.js';
import { member } from './member.js';
import type { References } from './references.js';
import { surplus } from './surplus.js';

export function compareList(keyword: 'uniqueKeys' | 'indexes', before: Entity, after: Entity, refs: References): Change[] {
  const [old, fresh] = [member(before.document, keyword), member(after.document, keyword)];
  const at = pointer('', keyword);
  if (isSameValue(old, fresh)) return [];
  if (!isListOrAbsent(old) || !isListOrAbsent(fresh)) return keywordChanges(keyword, old, fresh, at, refs);
  const added = surplus(fresh ?? [], old ?? []).map(({ element, index }) => {
    return keyword === 'indexes' ? indexAdded(element, pointer(at, index)) : keyAdded(element, pointer(at, index), before, after);
  });
  const removed = surplus(old ?? [], fresh ?? []).map(({ element, index }): Change => {
    const kind = keyword === 'indexes' ? 'index-removed' : 'unique-removed';
    return {
      kind,
      pointer: pointer(at, index),
      message: `${JSON.stringify(element)} is removed from ${keyword}`,
      additive: false,
    };
  });
  if (added.length > 0 || removed.length > 0) return [...added, ...removed];
  return [{ kind: 'restated', pointer: at, message: `${keyword} is written in another order`, additive: true }];
}

function isListOrAbsent(value: JsonValue | undefined): value is readonly JsonValue[] | undefined {
  return value === undefined || Array.isArray(value);
}

/** Plain: fields and method alone. One with a condition is not what `addIndex` builds. */
function indexAdded(entry: JsonValue, at: string): Change {
  const plain =
    Array.isArray(entry) || (isJsonObject(entry) && Object.keys(entry).every((word) => word === 'fields' || word === 'method'));
  return { kind: 'index-added', pointer: at, message: `the index ${JSON.stringify(entry)} is added`, additive: plain };
}

/** Every existing record lacks a new property, and rows where a member of the key is NULL never collide. */
function keyAdded(entry: JsonValue, at: string, before: Entity, after: Entity): Change {
  const isNew = (name: JsonValue) =>
    typeof name === 'string' &&
    member(member(before.document, 'properties'), name) === undefined &&
    after.properties.some((property) => property.name === name && property.renamedFrom === undefined);
  const additive = Array.isArray(entry) && entry.some(isNew);
  const message = `the unique key ${JSON.stringify(entry)} is added`;
  return {
    kind: 'unique-added',
    pointer: at,
    message: additive ? message : `${message}, which existing records may contradict`,
    additive,
  };
}

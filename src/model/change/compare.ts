/**
 * What differs between two versions of an entity, completely: every keyword of both documents is looked at, and whatever
 * is not recognised as additive is not additive. The entity service applies additive changes at once and plans the rest.
 */

import { isJsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { columnType } from '../ddl/column.js';
import type { Entity } from '../entity.js';
import type { Change } from './change.js';
import { compareDerived } from './compare-derived.js';
import { keepingChanges } from './compare-keeping.js';
import { compareList } from './compare-lists.js';
import { compareProperties } from './compare-properties.js';
import { isSameValue } from './first-difference.js';
import { keywordChanges } from './keyword-changes.js';
import { member, memberNames } from './member.js';
import { type References, references } from './references.js';
import { type Renames, renamesBetween } from './renames.js';

/**
 * Empty when both documents say the same; the order of members, and so of properties, does not count. The change of
 * versions is additive when every change is, counting those whose `needsCheck` the caller has asked the database about.
 */
export function compareEntities(before: Entity, after: Entity, renames: Renames = renamesBetween(before, after)): Change[] {
  // Only the old document matters: a reference that is new is itself a change, or part of a property nobody has yet.
  const refs = references(before.document);
  const changes = [
    ...nameChanges(before, after),
    ...compareProperties(before, after, refs, renames),
    ...memberNames(before.document, after.document).flatMap((keyword) => rootChanges(keyword, before, after, refs)),
    ...subjectChanges(before, after, renames),
  ];
  const recognised = changes.every((change) => change.additive || change.needsCheck !== undefined);
  if (!recognised) return changes;
  const indexesMayGrow = changes.some((change) => change.kind === 'index-added');
  return [...changes, ...compareDerived(before, after, indexesMayGrow)];
}

function nameChanges(before: Entity, after: Entity): Change[] {
  const [old, fresh] = [member(before.document, 'renamedFrom'), member(after.document, 'renamedFrom')];
  if (before.name === after.name && isSameValue(old, fresh)) return [];
  const message =
    before.name === after.name
      ? `the renamedFrom of ${JSON.stringify(after.name)} changes`
      : `${JSON.stringify(before.name)} is renamed to ${JSON.stringify(after.name)}`;
  return [{ kind: 'entity-renamed', pointer: '/renamedFrom', message, additive: false }];
}

function rootChanges(keyword: string, before: Entity, after: Entity, refs: References): Change[] {
  const [old, fresh] = [member(before.document, keyword), member(after.document, keyword)];
  const at = pointer('', keyword);
  switch (keyword) {
    case 'properties':
    case 'required':
    case 'renamedFrom':
    case 'subject':
      return []; // compared above
    case 'uniqueKeys':
    case 'indexes':
      return compareList(keyword, before, after, refs);
    case 'additionalProperties':
      if (isSameValue(old, fresh)) return [];
      if (isSameBut(true, old, fresh)) return [restated(at)];
      if (isJsonObject(old) && isJsonObject(fresh)) return keywordChanges(keyword, old, fresh, at, refs);
      return [{ kind: 'extras-changed', pointer: at, message: 'whether undeclared members are kept changes', additive: false }];
    case 'concurrency':
      if (isSameValue(old, fresh)) return [];
      if (isSameBut('optional', old, fresh)) return [restated(at)];
      return [{ kind: 'concurrency-changed', pointer: at, message: concurrencyMessage(fresh), additive: false }];
    case 'rowRules':
      if (isSameValue(old, fresh)) return [];
      return [{ kind: 'row-rules-changed', pointer: at, message: 'who may read and write which rows changes', additive: true }];
    case 'softDelete':
    case 'history':
    case 'retention':
      return isSameValue(old, fresh) ? [] : keepingChanges(keyword, before.document, after.document);
    default:
      return keywordChanges(keyword, old, fresh, at, refs);
  }
}

/**
 * Nothing is written again for it: what is encrypted already stays under the keys of whom it was about. By the property that goes on under
 * the name, since names are given again; and values of another type are other subjects, in their texts.
 */
function subjectChanges(before: Entity, after: Entity, renames: Renames): Change[] {
  const [old, fresh] = [before.subject, after.subject];
  const change = (message: string): Change => {
    const additive = !before.properties.some(({ encrypted }) => encrypted);
    return { kind: 'subject-changed', pointer: '/subject', message, additive };
  };
  const former = fresh === undefined ? undefined : (renames.get(fresh) ?? fresh);
  if (former !== old) return [change('whom records are about changes, for encrypted values that are written from now on')];
  const typeIn = ({ properties }: Entity, wanted: string | undefined): string => {
    const property = properties.find(({ name }) => name === wanted);
    return property ? columnType(property) : '';
  };
  if (typeIn(before, old) !== typeIn(after, fresh)) return [change('the type of those whom records are about changes')];
  return old === fresh ? [] : [restated('/subject')];
}

/** Equal once what is absent is written out. */
function isSameBut(absent: JsonValue, old: JsonValue = absent, fresh: JsonValue = absent): boolean {
  return isSameValue(old, fresh);
}

function concurrencyMessage(fresh: JsonValue | undefined): string {
  return fresh === 'required' ? 'writes must send If-Match from now on' : 'writes need not send If-Match any more';
}

function restated(at: string): Change {
  return { kind: 'restated', pointer: at, message: `${at} says in another way what was already so`, additive: true };
}

/** One property before and after, keyword by keyword, told in terms of its column, keys and constraints. */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Property, valueTypeOf } from '../entity.js';
import type { Change, ChangeKind } from './change.js';
import { isSameValue } from './first-difference.js';
import { keywordChanges } from './keyword-changes.js';
import { member, memberNames } from './member.js';
import type { References } from './references.js';
import { surplus } from './surplus.js';

/** A property as the document declares it; without a `Property` when the store has no column of that name. */
export interface Declared {
  readonly name: string;
  readonly schema: JsonValue;
  readonly property: Property | undefined;
}

/** Kind, message, and whether it is additive: false unless said. */
type Verdict = readonly [kind: ChangeKind, message: string, additive?: boolean];

/** Whether it is required is told by the entity's `required`, and its old name by whoever paired the two. */
export function compareProperty(before: Declared, after: Declared, refs: References): Change[] {
  const at = pointer('/properties', after.name);
  const change = (here: string, [kind, message, additive = false]: Verdict): Change => {
    return { kind, pointer: here, message, additive, property: after.name };
  };
  const [old, fresh] = [before.schema, after.schema];
  if (!isJsonObject(old) || !isJsonObject(fresh)) {
    return isSameValue(old, fresh) ? [] : [change(at, ['schema-changed', `the schema at ${at} changes`])];
  }
  const handled = before.name === after.name ? TYPE_KEYWORDS : [...TYPE_KEYWORDS, 'renamedFrom'];
  const rest = memberNames(old, fresh).filter((keyword) => !handled.includes(keyword));
  return [
    ...typeChanges(before.property, after.property, old, fresh, at, change),
    ...rest.flatMap((keyword) => {
      const [was, is, here] = [member(old, keyword), member(fresh, keyword), pointer(at, keyword)];
      if (isSameValue(was, is)) return [];
      const verdict = wordVerdict(keyword, was, is, JSON.stringify(after.name));
      return verdict ? [change(here, verdict)] : keywordChanges(keyword, was, is, here, refs, after.name);
    }),
  ];
}

const TYPE_KEYWORDS: readonly string[] = ['type', 'format', 'precision', 'scale'];

/** The four keywords that decide the column, and null: what they change together is told once. */
function typeChanges(
  before: Property | undefined,
  after: Property | undefined,
  old: JsonObject,
  fresh: JsonObject,
  at: string,
  change: (here: string, verdict: Verdict) => Change,
): Change[] {
  const changed = TYPE_KEYWORDS.filter((keyword) => !isSameValue(member(old, keyword), member(fresh, keyword)));
  if (changed.length === 0) return [];
  const first = pointer(at, changed[0] as string);
  const nullability = before?.nullable !== after?.nullable;
  const nullVerdict: Verdict = after?.nullable
    ? ['nullable-on', 'null becomes a valid value']
    : ['nullable-off', 'null is no longer valid'];
  const nullChanges = nullability ? [change(first, nullVerdict)] : [];
  const [oldType, freshType] = [typeText(before), typeText(after)];
  if (oldType !== freshType) {
    return [change(first, ['type-changed', `the type changes from ${oldType} to ${freshType}`]), ...nullChanges];
  }
  const others = changed
    .filter((keyword) => keyword !== 'type' || !nullability)
    .map((keyword) => {
      const reordered = keyword === 'type' && isReordered(member(old, keyword), member(fresh, keyword));
      const here = pointer(at, keyword);
      return change(here, reordered ? restated(here) : ['validation-changed', `the rule at ${here} changes`]);
    });
  return [...nullChanges, ...others];
}

function typeText(property: Property | undefined): string {
  if (!property) return 'no column';
  const { precision, scale } = property;
  const type = valueTypeOf(property);
  return precision === undefined && scale === undefined ? type : `${type}(${precision ?? 'any'},${scale ?? 'any'})`;
}

function isReordered(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && surplus(a, b).length === 0;
}

/** The words that have kinds of their own. Asked about different values only; undefined leaves the word to its family. */
function wordVerdict(
  keyword: string,
  old: JsonValue | undefined,
  fresh: JsonValue | undefined,
  name: string,
): Verdict | undefined {
  switch (keyword) {
    case 'renamedFrom':
      return ['annotation-changed', `what ${name} was called before is told differently`, true];
    case 'aliasUntil':
      return ['annotation-changed', `until when writers may use the former name of ${name} changes`, true];
    case 'access':
      return ['field-rules-changed', `who may read or write ${name} changes`, true];
    case 'pii':
    case 'redact':
      return ['field-rules-changed', `what auditors see of ${name} changes`, true];
    case 'encrypted':
      return isSameEncryption(old, fresh) ? restated(keyword) : ['encryption-changed', encryptionMessage(old, fresh, name)];
    case 'default':
      return ['default-changed', `the default of ${name} changes`];
    case 'unique':
      if (isOff(old) && isOff(fresh)) return restated(keyword);
      if (isOff(old)) return ['unique-added', `${name} becomes unique, which existing records may contradict`];
      return isOff(fresh) ? ['unique-removed', `${name} is no longer unique`] : undefined;
    case 'index':
      if (isOff(old) && isOff(fresh)) return restated(keyword);
      if (isOff(old)) return ['index-added', `${name} gets an index`, isPlainIndex(fresh)];
      return isOff(fresh) ? ['index-removed', `${name} loses its index`] : ['index-changed', `the index of ${name} changes`];
    case 'relation':
      if (old === undefined) return ['relation-added', `${name} becomes a relation, which existing records may contradict`];
      if (fresh === undefined) return ['relation-removed', `${name} is no longer a relation`];
      return ['relation-changed', `the relation of ${name} changes`];
    default:
      return undefined;
  }
}

function isOff(value: JsonValue | undefined): boolean {
  return value === undefined || value === false;
}

function isSearchable(value: JsonValue | undefined): boolean {
  return member(value, 'searchable') === 'equality';
}

function isSameEncryption(old: JsonValue | undefined, fresh: JsonValue | undefined): boolean {
  return isOff(old) === isOff(fresh) && isSearchable(old) === isSearchable(fresh);
}

function encryptionMessage(old: JsonValue | undefined, fresh: JsonValue | undefined, name: string): string {
  if (isOff(fresh)) return `${name} is no longer encrypted`;
  const found = isSearchable(fresh) ? 'found by equal values only' : 'not found by its values';
  return isOff(old) ? `${name} becomes encrypted, and is ${found}` : `${name} stays encrypted, and is ${found} from now on`;
}

function isPlainIndex(value: JsonValue | undefined): boolean {
  return value === true || (isJsonObject(value) && Object.keys(value).every((word) => word === 'method'));
}

function restated(what: string): Verdict {
  return ['restated', `${what} says in another way what was already so`, true];
}

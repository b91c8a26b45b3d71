import type { JsonValue } from '../../platform/json-value.js';
import type { Change, ChangeKind } from '../change/change.js';
import { isSameValue } from '../change/first-difference.js';
import { member } from '../change/member.js';
import type { Renames } from '../change/renames.js';
import type { Entity, Property } from '../entity.js';

/**
 * What a new version means to the clients of the old one, in the terms of schema registries: `backward` when what was valid
 * stays valid, so that old writers go on; `forward` when what is valid now was valid before, so that old readers go on; `full`
 * when both hold, `breaking` when neither does.
 */
export interface Compatibility {
  readonly level: 'full' | 'backward' | 'forward' | 'breaking';
  readonly reasons: readonly { readonly pointer: string; readonly message: string; readonly breaks: Breaks }[];
}

type Breaks = 'writers' | 'readers' | 'both';

export interface Versions {
  readonly before: Entity;
  readonly after: Entity;
  readonly renames: Renames;
}

export function compatibilityOf(changes: readonly Change[], versions: Versions): Compatibility {
  const reasons = changes.flatMap((change) => {
    const breaks = breaksOf(change, versions);
    return breaks ? [{ pointer: change.pointer, message: change.message, breaks }] : [];
  });
  const breaksWriters = reasons.some(({ breaks }) => breaks !== 'readers');
  const breaksReaders = reasons.some(({ breaks }) => breaks !== 'writers');
  if (!breaksWriters && !breaksReaders) return { level: 'full', reasons };
  if (!breaksWriters) return { level: 'backward', reasons };
  return { level: breaksReaders ? 'breaking' : 'forward', reasons };
}

const BREAKS: Partial<Record<ChangeKind, Breaks>> = {
  'entity-renamed': 'both',
  'property-added': 'readers',
  'property-removed': 'both',
  'property-renamed': 'both',
  'type-changed': 'both',
  'nullable-on': 'readers',
  'nullable-off': 'writers',
  'required-on': 'writers',
  'required-off': 'readers',
  'unique-added': 'writers',
  'relation-added': 'writers',
  'relation-changed': 'both',
  'concurrency-changed': 'writers',
};

/** Kinds that loosen or tighten, which their keyword tells. */
const RULES: ReadonlySet<ChangeKind> = new Set<ChangeKind>([
  ...(['checks-changed', 'validation-changed', 'schema-changed', 'extras-changed'] as const),
]);

function breaksOf(change: Change, versions: Versions): Breaks | undefined {
  const { kind, additive, property } = change;
  if (RULES.has(kind)) return directionOf(change, versions);
  if (additive && kind !== 'property-added') return undefined;
  const fresh = versions.after.properties.find(({ name }) => name === property);
  // Whoever leaves it out gets the default.
  if (kind === 'required-on' && fresh?.default !== undefined) return undefined;
  if (kind === 'encryption-changed') return isAskedLess(fresh, versions) ? 'readers' : undefined;
  return BREAKS[kind];
}

/** What is encrypted cannot be filtered or sorted by as before, and is found by equal values only where it is searchable. */
function isAskedLess(fresh: Property | undefined, { before, renames }: Versions): boolean {
  if (!fresh?.encrypted) return false;
  const was = before.properties.find(({ name }) => name === (renames.get(fresh.name) ?? fresh.name));
  return !was?.encrypted || !fresh.encrypted.searchable;
}

/** Of a keyword of a property or of the root; where it does not tell, both. */
function directionOf({ pointer }: Change, { before, after, renames }: Versions): Breaks | undefined {
  const [, first = '', name = '', keyword, deeper] = pointer
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (first !== 'properties') {
    if (first === 'additionalProperties' && before.keepsExtras !== after.keepsExtras)
      return after.keepsExtras ? 'readers' : 'writers';
    return name === '' ? direction(first, member(before.document, first), member(after.document, first)) : 'both';
  }
  if (keyword === undefined || (deeper !== undefined && keyword !== 'enum')) return 'both';
  const old = member(member(before.document, 'properties'), renames.get(name) ?? name);
  const fresh = member(member(after.document, 'properties'), name);
  return direction(keyword, member(old, keyword), member(fresh, keyword));
}

const UPPER: ReadonlySet<string> = new Set([
  'maxLength',
  'maximum',
  'exclusiveMaximum',
  'maxItems',
  'maxProperties',
  'maxContains',
]);
const LOWER: ReadonlySet<string> = new Set(['minLength', 'minimum', 'exclusiveMinimum', 'minItems', 'minProperties']);
/** A value without the keyword is valid under it or not; never the other way round. */
const RESTRICTS: ReadonlySet<string> = new Set([
  ...['pattern', 'format', 'multipleOf', 'uniqueItems', 'enum', 'const', 'allOf', 'anyOf', 'oneOf', 'not', 'contains', 'items'],
  ...['prefixItems', 'propertyNames', 'patternProperties', 'dependentRequired', 'dependentSchemas', 'required', '$ref'],
]);

function direction(keyword: string, old: JsonValue | undefined, fresh: JsonValue | undefined): Breaks {
  const isBound = UPPER.has(keyword) || LOWER.has(keyword);
  if (isBound || RESTRICTS.has(keyword)) {
    if (old === undefined) return 'writers';
    if (fresh === undefined) return 'readers';
  }
  if (isBound && typeof old === 'number' && typeof fresh === 'number') {
    return fresh > old === UPPER.has(keyword) ? 'readers' : 'writers';
  }
  if (keyword === 'enum' && Array.isArray(old) && Array.isArray(fresh)) {
    if (covers(fresh, old)) return 'readers';
    if (covers(old, fresh)) return 'writers';
  }
  return 'both';
}

function covers(all: readonly JsonValue[], some: readonly JsonValue[]): boolean {
  return some.every((value) => all.some((candidate) => isSameValue(candidate, value)));
}

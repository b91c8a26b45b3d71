/**
 * Which changes need every record to be read and validated. The columns, checks and keys of a plan say most of what a document
 * does, and exactly; where they do not, only validation knows whether what is stored is still valid.
 */

import { isJsonObject, type JsonObject, type JsonValue } from '../../platform/json-value.js';
import type { Change } from '../change/change.js';
import { requiredNames } from '../change/compare-required.js';
import { member } from '../change/member.js';
import { references } from '../change/references.js';
import type { Property } from '../entity.js';
import { allowsOtherTypes, checkOf, isSaidInSql, restrictsNothing } from './said-in-sql.js';
import { changesEncryption, formerProperty, type Transition } from './transition.js';

/** Of a change that some operation carries out in SQL. */
export function needsReading(t: Transition, change: Change): boolean {
  const { after } = t;
  const property = after.properties.find(({ name }) => name === change.property);
  switch (change.kind) {
    case 'property-added':
      return Boolean(property && comesWithValues(t, property) && (!isSaidInSql(after, property) || judgesMembers(t)));
    case 'property-removed':
      return judgesMembers(t) || requiredNames(after.document).includes(change.property ?? '');
    case 'property-renamed':
      return judgesMembers(t);
    case 'type-changed':
      return !property || !isSaidInSql(after, property) || judgesMembers(t);
    case 'nullable-on':
    case 'nullable-off':
      return judgesMembers(t) || Boolean(property && otherTypes(t, property) && !isSaidInSql(after, property));
    case 'required-on':
      return property?.default !== undefined && judgesMembers(t);
    case 'extras-changed':
      return after.keepsExtras && !isAnything(t);
    default:
      return false;
  }
}

/** Existing records have something under its name after the change, and not by their own. */
function comesWithValues({ before, kept }: Transition, { name, required, default: value }: Property): boolean {
  return before.keepsExtras || kept.has(name) || (required && value !== undefined);
}

const JUDGES = [
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'dependentRequired', 'dependentSchemas', '$ref', '$dynamicRef'],
  ...['patternProperties', 'propertyNames', 'minProperties', 'maxProperties', 'unevaluatedProperties'],
];

/** The entity has rules of its own on which members there are and what they hold. */
function judgesMembers({ after }: Transition): boolean {
  return JUDGES.some((keyword) => Object.hasOwn(after.document, keyword)) || references(after.document).mayReachRoot;
}

function otherTypes({ before, after, renames }: Transition, { name }: Property): boolean {
  return allowsOtherTypes(schemaOf(before.document, renames.get(name) ?? name), schemaOf(after.document, name));
}

/** Undeclared members may be anything. */
function isAnything({ after: { document } }: Transition): boolean {
  if (Object.hasOwn(document, 'unevaluatedProperties') || Object.hasOwn(document, 'patternProperties')) return false;
  return !Object.hasOwn(document, 'additionalProperties') || document.additionalProperties === true;
}

/** The checks of the column say all that the changed keyword does, or the keyword is gone. */
export function isCheckedInSql(t: Transition, { property: name = '', pointer }: Change): boolean {
  if (references(t.after.document).mayReachRoot) return false;
  const property = t.after.properties.find((candidate) => candidate.name === name);
  // The list of an enum may differ deeper inside.
  const [keyword] = pointer.split('/').slice(3);
  if (!property || keyword === undefined) return false;
  const was = formerProperty(t, property);
  // The checks come with the column, and say less of what is in the way than the records themselves.
  if (was && changesEncryption(was, property)) return false;
  return property.checks.some(({ kind }) => kind === checkOf(keyword)) || isGone(t, name, keyword);
}

/** A word of the property that is no rule, such as `immutable`. */
export function isNoRule({ property, pointer }: Change): boolean {
  const [, , , keyword, deeper] = pointer.split('/');
  return property !== undefined && keyword !== undefined && deeper === undefined && restrictsNothing(keyword);
}

/** A rule that merely restricts values, and of which nothing is left. */
const RESTRICTIONS: ReadonlySet<string> = new Set([
  ...['pattern', 'multipleOf', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties', 'contains'],
  ...['propertyNames', 'dependentRequired', 'if', 'then', 'else', 'allOf', 'anyOf', 'oneOf', 'not', 'format', 'enum', 'const'],
]);

/** Whatever was valid is valid still. */
export function isLoosened(t: Transition, { property, pointer }: Change): boolean {
  const [, , , keyword, deeper] = pointer.split('/');
  if (keyword === undefined || deeper !== undefined || property === undefined || !RESTRICTIONS.has(keyword)) return false;
  const schema = schemaOf(t.after.document, property);
  // What it had evaluated would be left to these.
  const leaves =
    isJsonObject(schema) && ['unevaluatedProperties', 'unevaluatedItems'].some((word) => Object.hasOwn(schema, word));
  return !leaves && !references(t.after.document).mayReachRoot && isGone(t, property, keyword);
}

function isGone({ after }: Transition, property: string, keyword: string): boolean {
  const schema = schemaOf(after.document, property);
  return isJsonObject(schema) && !Object.hasOwn(schema, keyword);
}

function schemaOf(document: JsonObject, property: string): JsonValue | undefined {
  return member(member(document, 'properties'), property);
}

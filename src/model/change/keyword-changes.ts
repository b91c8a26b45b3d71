/** One keyword of a schema, before and after, when nothing better is known about it than what family it belongs to. */

import type { JsonValue } from '../../platform/json-value.js';
import { placeOf } from '../document/schema-places.js';
import { isAnnotation } from './annotations.js';
import type { Change, ChangeKind } from './change.js';
import { isSameValue } from './first-difference.js';
import type { References } from './references.js';
import { schemaDifferences } from './schema-differences.js';

const CHECKS = ['enum', 'const', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

const VALIDATION = [
  ...['type', 'format', 'precision', 'scale', 'pattern', 'multipleOf', 'required', 'dependentRequired', 'dependentSchemas'],
  ...['properties', 'patternProperties', 'additionalProperties', 'propertyNames', 'unevaluatedProperties'],
  ...['minProperties', 'maxProperties', 'items', 'prefixItems', 'contains', 'minContains', 'maxContains'],
  ...['unevaluatedItems', 'minItems', 'maxItems', 'uniqueItems', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'],
  ...['$ref', '$dynamicRef', '$defs', '$anchor', '$dynamicAnchor'],
];

const KINDS: ReadonlyMap<string, ChangeKind> = new Map<string, ChangeKind>([
  ...CHECKS.map((keyword) => [keyword, 'checks-changed'] as const),
  ...VALIDATION.map((keyword) => [keyword, 'validation-changed'] as const),
]);

/**
 * Empty when both are equal. Each annotation that differs inside is a change of its own; of the rest one change with the
 * first place that differs is enough, as it needs a plan whatever follows.
 */
export function keywordChanges(
  keyword: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  at: string,
  refs: References,
  property?: string,
): Change[] {
  if (isAnnotation(keyword)) return isSameValue(before, after) ? [] : [annotationChange(at, refs, property)];
  const differences = [...schemaDifferences(before, after, at, placeOf(keyword))];
  const binding = differences.find((difference) => !difference.annotation);
  return [
    ...differences
      .filter(({ annotation }) => annotation)
      .map((difference) => annotationChange(difference.pointer, refs, property)),
    ...(binding ? [bindingChange(keyword, binding.pointer, property)] : []),
  ];
}

function bindingChange(keyword: string, pointer: string, property: string | undefined): Change {
  const kind = KINDS.get(keyword) ?? 'schema-changed';
  return { kind, pointer, message: `the rule at ${pointer} changes`, additive: false, property };
}

function annotationChange(pointer: string, refs: References, property: string | undefined): Change {
  const message = `the annotation at ${pointer} changes`;
  if (!refs.mayReachAnnotation) return { kind: 'annotation-changed', pointer, message, additive: true, property };
  const reached = `${message}, and a $ref of this document may use it as a schema`;
  return { kind: 'annotation-changed', pointer, message: reached, additive: false, property };
}

/** How many values a schema lets a property have, as far as its simple words tell. Used by `encrypted.ts`. */

import type { JsonObject } from '../../platform/json-value.js';
import type { ColumnType, Property } from '../entity.js';
import { choicesOf, numbersOf } from './column-type.js';

/** Characters that people type: of these is what is written with few of them. */
const PRINTABLE_ASCII = 95;

/**
 * At most, null not counted; Infinity where nothing is known. A pattern is not looked into.
 * @param schemas of the property, its own first, and what its references lead to
 */
export function possibleValues(
  schemas: readonly JsonObject[],
  of: ColumnType,
  digits: Pick<Property, 'precision' | 'scale'>,
): number {
  const choices = schemas.flatMap((schema) => choicesOf(schema)?.filter((choice) => choice !== null).length ?? []);
  return Math.min(ofType(schemas, of, digits), ...choices);
}

function ofType(schemas: readonly JsonObject[], of: ColumnType, digits: Pick<Property, 'precision' | 'scale'>): number {
  switch (of) {
    case 'boolean':
      return 2;
    case 'bigint':
    case 'double precision':
      return stepsBetween(schemas, of === 'bigint');
    case 'numeric':
      return decimals(digits);
    case 'text':
    case 'bytea':
      return textsOf(Math.min(...numbersOf(schemas, 'maxLength')));
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function stepsBetween(schemas: readonly JsonObject[], isInteger: boolean): number {
  const step = Math.max(isInteger ? 1 : 0, ...numbersOf(schemas, 'multipleOf'));
  if (step === 0) return Number.POSITIVE_INFINITY;
  const lowest = Math.max(
    ...numbersOf(schemas, 'minimum').map((bound) => Math.ceil(bound / step)),
    ...numbersOf(schemas, 'exclusiveMinimum').map((bound) => Math.floor(bound / step) + 1),
  );
  const highest = Math.min(
    ...numbersOf(schemas, 'maximum').map((bound) => Math.floor(bound / step)),
    ...numbersOf(schemas, 'exclusiveMaximum').map((bound) => Math.ceil(bound / step) - 1),
  );
  return Math.max(0, highest - lowest + 1);
}

/** Of either sign; without a scale, the point may stand between any two digits. */
function decimals({ precision, scale }: Pick<Property, 'precision' | 'scale'>): number {
  if (precision === undefined) return Number.POSITIVE_INFINITY;
  return (2 * 10 ** precision - 1) * (scale === undefined ? precision + 1 : 1);
}

function textsOf(longest: number): number {
  let count = 0;
  for (let length = 0; length <= longest && Number.isSafeInteger(count); length++) count += PRINTABLE_ASCII ** length;
  return Number.isSafeInteger(count) ? count : Number.POSITIVE_INFINITY;
}

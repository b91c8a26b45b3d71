import type { ErrorObject } from 'ajv/dist/2020.js';
import { STEP } from './validation-schema.js';

/** What the validator says about each broken rule: never a value of the record, only what the entity document asks for. */

type Params = ErrorObject['params'];

const MESSAGES: Readonly<Record<string, (params: Params) => string>> = {
  type: ({ type }) => `must be ${[type].flat().join(' or ')}`,
  required: () => 'is required',
  dependentRequired: ({ property }) => `is required when ${JSON.stringify(property)} is present`,
  enum: () => 'must be one of the values that the entity document lists',
  const: () => 'must be the value that the entity document names',
  format: ({ format }) => `must be a valid ${format}${FORMAT_HINTS[format] ?? ''}`,
  pattern: () => 'must match the pattern of the entity document',
  minLength: ({ limit }) => `must have at least ${limit} characters`,
  maxLength: ({ limit }) => `must have at most ${limit} characters`,
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `must be more than ${limit}`,
  exclusiveMaximum: ({ limit }) => `must be less than ${limit}`,
  multipleOf: () => 'must be a multiple of the number in the entity document',
  minItems: ({ limit }) => `must have at least ${limit} items`,
  maxItems: ({ limit }) => `must have at most ${limit} items`,
  uniqueItems: () => 'must not have equal items',
  contains: ({ min, max }) => `must have ${min} ${max === undefined ? 'or more' : `to ${max}`} items that match "contains"`,
  minProperties: ({ limit }) => `must have at least ${limit} members`,
  maxProperties: ({ limit }) => `must have at most ${limit} members`,
  propertyNames: () => 'must have another name',
  anyOf: () => 'must match at least one schema of anyOf',
  oneOf: () => 'must match exactly one schema of oneOf',
  not: () => 'must not match the schema of not',
  if: ({ failingKeyword }) => `must match the schema of ${failingKeyword}`,
  additionalProperties: () => 'is not declared in the entity document',
  unevaluatedProperties: () => 'is not declared in the entity document',
};

const FORMAT_HINTS: Readonly<Record<string, string>> = {
  date: ', such as 2026-11-21',
  time: ', such as 09:30:00Z or 09:30:00+02:00 (RFC 3339)',
  'date-time': ', such as 2026-11-21T09:30:00Z (RFC 3339)',
  'date-time-local': ', such as 2026-11-21T09:30:00, without an offset',
  'time-local': ', such as 09:30:00, without an offset',
  int8range: `, such as ${rangeForms('[1,5)')}`,
  numrange: `, such as ${rangeForms('[1.5,2.50)')}`,
  daterange: `, such as ${rangeForms('[2026-11-21,2026-12-01)')}`,
  tsrange: `, such as ${rangeForms('[2026-11-21T09:30:00,2026-11-21T10:00:00)')}, without an offset`,
  tstzrange: `, such as ${rangeForms('[2026-11-21T09:30:00Z,2026-11-21T10:00:00Z)')} (RFC 3339)`,
  decimal: ': a string such as "-12.50"',
  byte: ': padded base64 (RFC 4648 §4) without line breaks',
};

/** A bound may be left out. */
function rangeForms(example: string): string {
  const [lower, upper] = example.split(',') as [string, string];
  return `${example}, ${lower},), (,${upper} or empty, with a lower bound that is not above the upper`;
}

/** The schema `false` breaks the keyword that holds it, where that says something. */
export function messageOf({ keyword, params }: ErrorObject): { rule: string; message: string } {
  const name = keyword === STEP ? params.never : keyword;
  const message = MESSAGES[name];
  return message ? { rule: name, message: message(params) } : { rule: 'false', message: 'must not be present' };
}

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { Problem } from '../../platform/problem.js';
import { placeOf } from '../document/schema-places.js';
import { isSystemMember } from '../entity.js';
import { isFormat } from './formats.js';

/**
 * The copy of an entity document that ajv compiles: only words that assert something, nothing a client wrote in a title, a
 * comment or an unknown word, and a step counter at the head of every schema. Used by the validator.
 */

/** The private keyword at the head of every schema of the copy. */
export const STEP = '$step';

/** What STEP carries: whether the length of a string costs extra; for the schema `false`, the keyword that held it. */
export interface Step {
  readonly text: boolean;
  readonly never?: string;
}

const ASSERTIONS: ReadonlySet<string> = new Set([
  ...['$ref', 'type', 'enum', 'const', 'format', 'pattern', 'minLength', 'maxLength', 'required', 'dependentRequired'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minProperties', 'maxProperties'],
  ...['minItems', 'maxItems', 'uniqueItems', 'minContains', 'maxContains'],
]);

/** Assertions whose cost grows with the length of a string. */
const TEXT_ASSERTIONS = ['pattern', 'format', 'minLength', 'maxLength', 'enum', 'const'];

/**
 * The copy, for a document within the limits, whose references end. System members may be declared but are no part of a
 * validated record, so none is required.
 * @throws Problem `entity/invalid-document` for a format the store does not know.
 */
export function validationSchema(document: JsonObject): JsonObject {
  const { required } = document;
  const wanted = Array.isArray(required) ? { ...document, required: required.filter(isRecordMember) } : document;
  return copyObject(wanted, '');
}

function isRecordMember(name: JsonValue): boolean {
  return typeof name !== 'string' || !isSystemMember(name);
}

/** @param keyword the one that holds the schema. */
function copy(schema: JsonValue, at: string, keyword: string): JsonValue {
  if (isJsonObject(schema)) return copyObject(schema, at);
  const never: Step = { text: false, never: keyword };
  return schema === false ? { [STEP]: { ...never } } : schema;
}

function copyObject(schema: JsonObject, at: string): JsonObject {
  const step: Step = { text: TEXT_ASSERTIONS.some((word) => Object.hasOwn(schema, word)) };
  const words: [string, JsonValue][] = [[STEP, { ...step }]];
  for (const [word, value] of Object.entries(schema)) {
    const here = pointer(at, word);
    const place = placeOf(word);
    if (place === 'schema') {
      if (word !== 'contentSchema') words.push([word, copy(value, here, word)]);
    } else if (place === 'list' && Array.isArray(value)) {
      words.push([word, value.map((item: JsonValue, index) => copy(item, pointer(here, index), word))]);
    } else if (place === 'map' && isJsonObject(value)) {
      const entries = Object.entries(value).map(([name, item]) => [name, copy(item, pointer(here, name), word)]);
      words.push([word, Object.fromEntries(entries)]);
    } else if (ASSERTIONS.has(word)) {
      if (word === 'format' && !isFormat(value)) throw unknownFormat(here);
      words.push([word, value]);
    }
  }
  return Object.fromEntries(words);
}

function unknownFormat(at: string): Problem {
  const message = 'is not a format the store can check; leave it out, or use pattern';
  return new Problem('entity/invalid-document', 'The document names an unknown format.', {
    errors: [{ pointer: at, rule: 'format', message }],
  });
}

/**
 * The dialect of entity documents: the published meta-schema check, and the x- synonyms made bare. What comes out has the
 * shape the rest of the reading counts on. Used by `readEntity` only.
 */

import { isDeepStrictEqual } from 'node:util';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import metaSchema from '../../../schemas/meta/entity.schema.json';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { shown } from '../names.js';
import { MAX_FAULTS } from './limits.js';

const ENTITY_WORDS = bareWords(metaSchema.$defs.entityWords.properties);
const PROPERTY_WORDS = bareWords(metaSchema.$defs.propertyWords.properties);

/** What to do instead, for keywords that people bring along from elsewhere. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['$id', 'a document is known by its entity name, and no other document can refer into it'],
  ['$anchor', 'refer to a schema by its place, as in "#/$defs/name"'],
  ['$dynamicRef', 'use $ref with a place in this document'],
  ['$dynamicAnchor', 'refer to a schema by its place, as in "#/$defs/name"'],
  ['$recursiveRef', 'use "$ref": "#"'],
  ['$vocabulary', 'it belongs to meta-schemas'],
  ['$schema', 'it may stand at the root only'],
  ['definitions', 'use $defs'],
  ['dependencies', 'use dependentRequired or dependentSchemas'],
  ['additionalItems', 'use prefixItems together with items'],
  ['nullable', 'add "null" to type'],
  ['example', 'use examples, a list'],
]);

const validate = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allErrors: true,
  verbose: true,
  validateFormats: false,
}).compile(metaSchema);

/** What the meta-schema says against a document. Call it on documents within the limits only: the check is recursive. */
export function dialectFaults(document: JsonValue): Fault[] {
  if (validate(document)) return [];
  const errors = validate.errors ?? [];
  // `type` alone is either-or in the meta-schema; its one sentence says more than the errors of both branches.
  const alternatives = new Set(errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath));
  const isBranch = ({ instancePath, keyword }: ErrorObject) =>
    keyword !== 'anyOf' && (alternatives.has(instancePath) || alternatives.has(instancePath.replace(/\/\d+$/, '')));
  return errors
    .filter((error) => !isBranch(error))
    .slice(0, MAX_FAULTS)
    .map(toFault);
}

/** A document without x- synonyms, and how to find the place in the original. */
interface BareDocument {
  readonly document: JsonObject;
  readonly faults: readonly Fault[];
  /** The fault with its pointer spelt as the author wrote the document. */
  asWritten(fault: Fault): Fault;
}

/** `x-unique` becomes `unique` wherever the word has a meaning. Both, and different: a fault. */
export function withBareWords(document: JsonObject): BareDocument {
  const faults: Fault[] = [];
  const renamed = new Map<string, string>();
  const root = bare(document, '', ENTITY_WORDS);
  const { properties } = document;
  if (isJsonObject(properties)) {
    root.properties = Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => {
        const at = pointer('/properties', name);
        return [name, isJsonObject(schema) ? bare(schema, at, PROPERTY_WORDS) : schema];
      }),
    );
  }

  function bare(schema: JsonObject, at: string, words: ReadonlySet<string>): Record<string, JsonValue> {
    const result: Record<string, JsonValue> = {};
    for (const [keyword, value] of Object.entries(schema)) {
      const word = keyword.startsWith('x-') ? keyword.slice(2) : keyword;
      if (word === keyword || !words.has(word)) {
        result[keyword] = value;
      } else if (Object.hasOwn(schema, word)) {
        if (!isDeepStrictEqual(schema[word], value)) faults.push(contradiction(pointer(at, keyword), word));
      } else {
        result[word] = value;
        renamed.set(pointer(at, word), pointer(at, keyword));
      }
    }
    return result;
  }

  function asWritten(fault: Fault): Fault {
    for (const [word, written] of renamed) {
      if (fault.pointer === word || fault.pointer.startsWith(`${word}/`)) {
        return { ...fault, pointer: written + fault.pointer.slice(word.length) };
      }
    }
    return fault;
  }

  return { document: root, faults, asWritten };
}

function contradiction(at: string, word: string): Fault {
  return { pointer: at, rule: 'synonym', message: `x-${word} and ${word} mean the same and have different values; keep one` };
}

function toFault(error: ErrorObject): Fault {
  const { keyword, instancePath, params } = error;
  switch (keyword) {
    case 'unevaluatedProperties':
      return unknownKeyword(params.unevaluatedProperty, instancePath);
    case 'additionalProperties':
      return {
        pointer: pointer(instancePath, params.additionalProperty),
        rule: 'unknown-keyword',
        message: `${shown(params.additionalProperty)} is not known here`,
      };
    case 'anyOf':
      return { pointer: instancePath, rule: keyword, message: `must be ${error.parentSchema?.description}` };
    case 'enum':
      return { pointer: instancePath, rule: keyword, message: `must be one of ${params.allowedValues.map(spelt).join(', ')}` };
    case 'const':
      return { pointer: instancePath, rule: keyword, message: `must be ${spelt(params.allowedValue)}` };
    default:
      return { pointer: instancePath, rule: keyword, message: error.message ?? `breaks the rule ${keyword}` };
  }
}

function unknownKeyword(keyword: string, parent: string): Fault {
  const word = keyword.replace(/^x-/, '');
  const instead = INSTEAD.get(keyword);
  let message = `the keyword ${shown(keyword)} is not known`;
  if (instead !== undefined) message = `the keyword ${shown(keyword)} is not supported: ${instead}`;
  else if (PROPERTY_WORDS.has(word)) message = `the word ${shown(keyword)} has a meaning on properties of the entity only`;
  else if (ENTITY_WORDS.has(word)) message = `the word ${shown(keyword)} has a meaning at the root of the document only`;
  return { pointer: pointer(parent, keyword), rule: 'unknown-keyword', message };
}

function bareWords(properties: object): ReadonlySet<string> {
  return new Set(Object.keys(properties).filter((word) => !word.startsWith('x-')));
}

function spelt(value: unknown): string {
  return JSON.stringify(value);
}

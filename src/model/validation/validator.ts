import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { shownPointer } from '../../platform/json-faults.js';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Fault, Problem } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import { compileFidelity } from './fidelity.js';
import { FORMATS } from './formats.js';
import { addKeywords, OutOfSteps, Steps, TooManyErrors } from './keywords.js';
import { compilePattern, PatternTooCostly } from './pattern.js';
import { messageOf } from './validation-messages.js';
import { validationSchema } from './validation-schema.js';

/**
 * Checks records against their entity document: JSON Schema 2020-12 by ajv, made safe against hostile documents and records,
 * plus what the columns could not give back (fidelity.ts). Used by every write, and to try a document when it is defined.
 *
 * A record is checked twice only when it is wrong: first up to the first error, and then, by a second function that is
 * compiled when it is needed, to collect all of them.
 */

export const MAX_FAULTS = 100;

export interface RecordValidator {
  /** All faults, at most MAX_FAULTS; empty when valid. System members are no part of `record`. Never throws for a record. */
  validate(record: JsonValue): readonly Fault[];
}

/** @throws Problem `entity/invalid-document` for a document that cannot be compiled; the caller has checked its form. */
export function compileValidator(entity: Entity): RecordValidator {
  const schema = validationSchema(entity.document);
  const steps = new Steps();
  const patterns = linearRegExps();
  const first = compile(schema, steps, patterns, false);
  const checkFidelity = compileFidelity(entity);
  let all: ValidateFunction | undefined;

  function collect(record: JsonValue): readonly Fault[] {
    const firstErrors = first.errors ?? [];
    steps.begin(record);
    try {
      all ??= compile(schema, steps, patterns, true);
      all(record);
      return faultsOf(all.errors ?? []);
    } catch (error) {
      const certain = error instanceof TooManyErrors ? error.certain : null;
      const last = error instanceof TooManyErrors ? MORE : interruption(error, record);
      return [...faultsOf(certain ?? firstErrors).slice(0, MAX_FAULTS - 1), last];
    }
  }

  return {
    validate(record) {
      const faults: Fault[] = [];
      steps.begin(record);
      try {
        if (!first(record)) faults.push(...collect(record));
      } catch (error) {
        faults.push(interruption(error, record));
      } finally {
        steps.begin(null);
      }
      if (isJsonObject(record)) addFidelity(record, faults);
      return faults.length > MAX_FAULTS ? [...faults.slice(0, MAX_FAULTS - 1), MORE] : faults;
    },
  };

  function addFidelity(record: JsonObject, faults: Fault[]): void {
    const found: Fault[] = [];
    checkFidelity(record, found);
    for (const fault of found) if (!faults.some((known) => known.pointer === fault.pointer)) faults.push(fault);
  }
}

const MORE: Fault = { pointer: '', rule: 'faults', message: `there are more faults; the first ${MAX_FAULTS} at most are listed` };

/**
 * ajv's own strict mode is off because it refuses documents that are right by the standard; validationSchema is stricter where
 * it matters. No option may make ajv fetch, coerce, default or log.
 */
function compile(schema: JsonObject, steps: Steps, patterns: RegExps, allErrors: boolean): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    strictNumbers: true,
    // Otherwise a member named "constructor" is found on every object.
    ownProperties: true,
    $data: false,
    inlineRefs: false,
    messages: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    logger: false,
    formats: FORMATS,
    // ajv's optimizer takes three quarters of the time to compile and saves the engine nothing.
    code: { optimize: false, regExp: patterns },
  });
  addKeywords(ajv, steps, MAX_FAULTS);
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw uncompilable(error);
  }
}

function uncompilable(error: unknown): Problem {
  const reason =
    error instanceof RangeError ? 'its references are nested too deeply' : `it cannot be compiled: ${(error as Error).message}`;
  return new Problem('entity/invalid-document', 'The document cannot be used for validation.', {
    errors: [{ pointer: '', rule: 'schema', message: reason.slice(0, 300) }],
  });
}

type RegExps = ((source: string) => RegExp) & { code: string };

/** ajv asks at every place for the pattern there: each is compiled once, which takes 0.2 ms. */
function linearRegExps(): RegExps {
  const known = new Map<string, RegExp>();
  const regExp = (source: string): RegExp => {
    const pattern = known.get(source) ?? linearRegExp(source);
    known.set(source, pattern);
    return pattern;
  };
  return Object.assign(regExp, { code: 'linearRegExp' });
}

/** ajv gives equal patterns one variable, and takes those for equal that print the same: `toString` has to tell them apart. */
function linearRegExp(source: string): RegExp {
  const pattern = compilePattern(source);
  const test = (text: string) => {
    try {
      return pattern.test(text);
    } catch (error) {
      throw error instanceof PatternTooCostly ? new TextTooLong(text, error.message) : error;
    }
  };
  return { test, toString: () => source } as RegExp;
}

class TextTooLong extends Error {
  constructor(
    readonly text: string,
    message: string,
  ) {
    super(message);
  }
}

/** The fault of a record whose validation had to be stopped. */
function interruption(error: unknown, record: JsonValue): Fault {
  if (error instanceof TextTooLong) {
    const place = placeOf(error.text, record, '') ?? '';
    return { pointer: shownPointer(place), rule: 'pattern', message: error.message };
  }
  // A RangeError is the stack: the same disease as too many steps.
  if (error instanceof OutOfSteps || error instanceof RangeError) {
    const message = 'checking this record takes too many steps; the entity document nests anyOf, oneOf or $ref too widely';
    return { pointer: '', rule: 'budget', message };
  }
  throw error;
}

/** Where a text stands in a value, as a string or as the name of a member. */
function placeOf(text: string, value: JsonValue, path: string): string | undefined {
  if (value === text) return path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const found = name === text ? pointer(path, name) : placeOf(text, member, pointer(path, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One fault per place, rule and message: the branches of an anyOf often complain about the same. */
function faultsOf(errors: readonly ErrorObject[]): readonly Fault[] {
  const faults = new Map<string, Fault>();
  for (const error of errors) {
    const { params } = error;
    const member: string | undefined = params.missingProperty ?? error.propertyName ?? params.propertyName;
    const place = shownPointer(member === undefined ? error.instancePath : pointer(error.instancePath, member));
    const { rule, message } = messageOf(error);
    const fault = { pointer: place, rule, message };
    faults.set(`${rule} ${place} ${message}`, fault);
    if (faults.size > MAX_FAULTS) break;
  }
  return [...faults.values()];
}

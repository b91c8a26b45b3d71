import { _, type Ajv2020, type CodeKeywordDefinition, type ErrorObject } from 'ajv/dist/2020.js';
import N from 'ajv/dist/compile/names.js';
import { Type } from 'ajv/dist/compile/util.js';
import type { JsonValue } from '../../platform/json-value.js';
import { jsonKey } from './json-key.js';
import { STEP, type Step } from './validation-schema.js';

/**
 * The keywords that ajv gets from the validator: the step counter that bounds every validation, and replacements for standard
 * keywords whose usual implementation is quadratic (enum, uniqueItems), unbounded (contains) or inexact (multipleOf).
 */

/** Applications of a subschema that every record may cost, and how many more per value and per 8 characters in it. */
const FREE_STEPS = 100_000;
const STEPS_PER_VALUE = 8;

/** Thrown out of a validation that would apply subschemas without end: two recursive branches of an anyOf double with each level. */
export class OutOfSteps extends Error {}

/** Thrown out of the collection of errors, which a long array of wrong items would let grow without end. */
export class TooManyErrors extends Error {
  constructor(
    /** The errors found so far, or null when a surrounding anyOf may still discard them. */
    readonly certain: readonly ErrorObject[] | null,
  ) {
    super();
  }
}

/** Counts for one validation at a time: validations are synchronous. Deterministic, no clock. */
export class Steps {
  left = 0;
  private record: JsonValue = null;
  private refilled = false;

  begin(record: JsonValue): void {
    this.left = FREE_STEPS;
    this.record = record;
    this.refilled = false;
  }

  /** Only a record that needs more than the free steps is ever measured. */
  refill(): void {
    if (this.refilled) throw new OutOfSteps();
    this.refilled = true;
    this.left += STEPS_PER_VALUE * sizeOf(this.record);
    if (this.left < 0) throw new OutOfSteps();
  }
}

function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return 1 + (value.length >> 3);
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  for (const member of Object.values(value)) size += sizeOf(member);
  return size;
}

/** `maxErrors` bounds the errors that one function of the compiled schema may gather. */
export function addKeywords(ajv: Ajv2020, steps: Steps, maxErrors: number): void {
  for (const keyword of ['enum', 'uniqueItems', 'contains', 'multipleOf']) ajv.removeKeyword(keyword);
  ajv.addKeyword({ ...stepKeyword(steps, maxErrors), before: '$ref' });
  ajv.addKeyword(predicate('enum', 'array', undefined, (values: JsonValue[]) => isOneOf(values, steps)));
  ajv.addKeyword(predicate('uniqueItems', 'boolean', 'array', (wanted: boolean) => (wanted ? areUnique(steps) : undefined)));
  ajv.addKeyword(predicate('multipleOf', 'number', 'number', (divisor: number) => (value: number) => isMultiple(value, divisor)));
  ajv.addKeyword(CONTAINS);
}

function stepKeyword(steps: Steps, maxErrors: number): CodeKeywordDefinition {
  return {
    keyword: STEP,
    schemaType: 'object',
    error: { message: '', params: (cxt) => _`{never: ${(cxt.schema as Step).never ?? ''}}` },
    code(cxt) {
      const { gen, data, it } = cxt;
      const step = cxt.schema as Step;
      const counter = gen.scopeValue('obj', { ref: steps });
      const cost = step.text ? _`typeof ${data} == "string" ? 1 + (${data}.length >> 3) : 1` : _`1`;
      gen.if(_`(${counter}.left -= ${cost}) < 0`, () => gen.code(_`${counter}.refill()`));
      if (it.allErrors) {
        const certain = !it.compositeRule && it.schemaEnv === it.schemaEnv.root;
        const stop = gen.scopeValue('func', { ref: stopCollecting });
        gen.if(_`${N.errors} > ${maxErrors}`, () => gen.code(_`${stop}(${certain ? N.vErrors : null})`));
      }
      if (step.never !== undefined) cxt.fail();
    },
  };
}

function stopCollecting(certain: readonly ErrorObject[] | null): never {
  throw new TooManyErrors(certain);
}

/** A keyword that is a function of the value alone; `compile` returns undefined when it asserts nothing. */
function predicate<S, V>(
  keyword: string,
  schemaType: CodeKeywordDefinition['schemaType'],
  type: CodeKeywordDefinition['type'],
  compile: (schema: S) => ((value: V) => boolean) | undefined,
): CodeKeywordDefinition {
  return {
    keyword,
    schemaType,
    type,
    code(cxt) {
      const holds = compile(cxt.schema);
      if (holds) cxt.fail(_`!${cxt.gen.scopeValue('func', { ref: holds })}(${cxt.data})`);
    },
  };
}

function isOneOf(values: readonly JsonValue[], steps: Steps): (value: JsonValue) => boolean {
  const scalars = new Set(values.filter((value) => !isComposite(value)));
  const composites = new Set(values.filter(isComposite).map(jsonKey));
  return (value) => {
    if (!isComposite(value)) return scalars.has(value);
    return composites.size > 0 && composites.has(countedKey(value, steps));
  };
}

function areUnique(steps: Steps): (items: readonly JsonValue[]) => boolean {
  return (items) => {
    const scalars = new Set<JsonValue>();
    const composites = new Set<string>();
    for (const item of items) {
      if (isComposite(item)) composites.add(countedKey(item, steps));
      else scalars.add(item);
    }
    return scalars.size + composites.size === items.length;
  };
}

function isComposite(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}

function countedKey(value: JsonValue, steps: Steps): string {
  const key = jsonKey(value);
  steps.left -= key.length >> 3;
  return key;
}

/** Exact in decimals: 19.99 is a multiple of 0.01, which the division of doubles denies. */
function isMultiple(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  const [a, aExponent] = decimalOf(value);
  const [b, bExponent] = decimalOf(divisor);
  const exponent = Math.min(aExponent, bExponent);
  const unit = b * 10n ** BigInt(bExponent - exponent);
  return unit !== 0n && (a * 10n ** BigInt(aExponent - exponent)) % unit === 0n;
}

/** digits × 10^exponent */
function decimalOf(value: number): [bigint, number] {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return [BigInt(whole + fraction), Number(exponent) - fraction.length];
}

/** ajv's keeps an error for every item that does not match until the end; this one drops each at once. */
const CONTAINS: CodeKeywordDefinition = {
  keyword: 'contains',
  type: 'array',
  schemaType: ['object', 'boolean'],
  before: 'items',
  trackErrors: true,
  error: {
    message: '',
    params: ({ params: { min, max } }) => (max === undefined ? _`{min: ${min}}` : _`{min: ${min}, max: ${max}}`),
  },
  code(cxt) {
    const { gen, data, parentSchema, it } = cxt;
    const min: number = parentSchema.minContains ?? 1;
    const max: number | undefined = parentSchema.maxContains;
    const found = gen.let('found', 0);
    const valid = gen.name('valid');
    const length = gen.const('len', _`${data}.length`);
    gen.forRange('i', 0, length, (i) => {
      const quiet = { compositeRule: true, createErrors: false, allErrors: false } as const;
      cxt.subschema({ keyword: 'contains', dataProp: i, dataPropType: Type.Num, ...quiet }, valid);
      cxt.reset();
      gen.if(valid, () => gen.code(_`${found}++`));
      if (max === undefined) gen.if(_`${found} >= ${min}`, () => gen.break());
    });
    it.items = true;
    cxt.setParams({ min, max });
    cxt.fail(max === undefined ? _`${found} < ${min}` : _`${found} < ${min} || ${found} > ${max}`);
  },
};

/** `[not.]operator[(modifier)].value`: what a filter asks of a value. Used by `parse-filter.ts`. */

import type { Entity, RangeType } from '../entity.js';
import { comparedValue } from '../sealed/compared-value.js';
import type { FieldCipher } from '../sealed/field-cipher.js';
import { boundTypeOf, isRangeType } from '../values/range.js';
import type {
  ComparisonOperator,
  Condition,
  ContainmentOperator,
  FieldValue,
  RangeOperator,
  SearchOperator,
  TestName,
  Value,
} from './ast.js';
import { columnText, EXPECTED } from './column-text.js';
import { quoteName } from './invalid-query.js';
import { containedJson } from './json-operand.js';
import { describe } from './parse-value.js';
import { MAX_IN_VALUES } from './query-limits.js';
import type { Scanner } from './scanner.js';
import { isTextSearchConfiguration, TEXT_SEARCH_CONFIGURATIONS } from './text-search.js';

const COMPARISONS: readonly string[] = [
  ...(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'match', 'imatch', 'isdistinct'] satisfies ComparisonOperator[]),
];
/** Those that PostgREST compares with any or all of a list. */
const QUANTIFIED: readonly string[] = [
  'eq',
  'gt',
  'gte',
  'lt',
  'lte',
  'like',
  'ilike',
  'match',
  'imatch',
] satisfies ComparisonOperator[];
const PATTERNS: readonly string[] = ['like', 'ilike', 'match', 'imatch'] satisfies ComparisonOperator[];
const SEARCHES: readonly string[] = ['fts', 'plfts', 'phfts', 'wfts'] satisfies SearchOperator[];
const CONTAINMENTS: readonly string[] = ['cs', 'cd', 'ov'] satisfies ContainmentOperator[];
const TESTS: readonly string[] = ['null', 'not_null', 'true', 'false', 'unknown'] satisfies TestName[];
const OF_RANGES: readonly string[] = ['sl', 'sr', 'nxl', 'nxr', 'adj'] satisfies RangeOperator[];

export const OPERATORS = [...COMPARISONS, 'in', 'is', ...SEARCHES, ...CONTAINMENTS, ...OF_RANGES].join(', ');

/** Enclosed in a group, the value ends before its comma or parenthesis. */
export function parseOperation(entity: Entity, scanner: Scanner, value: Value, enclosed: boolean): Condition {
  const not = scanner.take('not.');
  const start = scanner.at;
  const operator = scanner.word();
  if (value.kind === 'field' && value.field.encrypted && operator !== 'is') {
    return parseSealedOperation(scanner, value, not, operator, enclosed);
  }
  if (operator === 'is') {
    takeDot(scanner, operator);
    return { kind: 'is', not, value, test: parseTest(scanner, value, enclosed) };
  }
  if (operator === 'in') {
    takeDot(scanner, operator);
    const operands = parseList(scanner, value, enclosed, '(', ')').map(([raw, at]) => checked(scanner, value, raw, at));
    return { kind: 'in', not, value, operands };
  }
  if (isOneOf<SearchOperator>(SEARCHES, operator)) return parseSearch(scanner, value, not, operator, enclosed);
  if (isRangeType(value.type) && isOneOf<RangeOperator>([...CONTAINMENTS, ...OF_RANGES], operator)) {
    return parseRangeComparison(scanner, value, value.type, not, operator, enclosed);
  }
  if (isOneOf<ContainmentOperator>(CONTAINMENTS, operator)) {
    takeDot(scanner, operator);
    if (value.type !== 'jsonb') {
      scanner.fail(`${operator} looks inside JSON objects, arrays and ranges; ${describe(value)} is ${value.type}.`, start);
    }
    const at = scanner.at;
    const operand = containedJson(entity, value, operator, enclosed ? scanner.enclosedText() : scanner.rest());
    if (operand === null) {
      scanner.fail(
        `${operator} takes a list in braces, such as {a,b}, or JSON, such as {"a":1}${operator === 'ov' ? ' in an array' : ''}.`,
        at,
      );
    }
    return { kind: 'contain', not, value, operator, operand };
  }
  if (!isOneOf<ComparisonOperator>(COMPARISONS, operator)) return failOnOperator(scanner, value, operator, start);
  if (PATTERNS.includes(operator) && value.type !== 'text') {
    scanner.fail(`${operator} needs a text; ${describe(value)} is ${value.type}.`, start);
  }
  return parseComparison(scanner, value, not, operator, enclosed);
}

function parseComparison(
  scanner: Scanner,
  value: Value,
  not: boolean,
  operator: ComparisonOperator,
  enclosed: boolean,
): Condition {
  const quantifier = scanner.take('(any)') ? 'any' : scanner.take('(all)') ? 'all' : null;
  if (quantifier === null) {
    takeDot(scanner, operator);
    const start = scanner.at;
    const raw = enclosed ? nextValue(scanner, value, ')') : scanner.rest();
    return { kind: 'compare', not, value, operator, operand: operandOf(scanner, value, operator, raw, start) };
  }
  if (!QUANTIFIED.includes(operator)) scanner.fail(`${operator} takes no (any) and no (all).`);
  takeDot(scanner, operator);
  const operands = parseList(scanner, value, enclosed, '{', '}').map(([raw, at]) => operandOf(scanner, value, operator, raw, at));
  return { kind: 'quantified', not, value, operator, quantifier, operands };
}

function operandOf(scanner: Scanner, value: Value, operator: ComparisonOperator, raw: string, start: number): string {
  if (operator !== 'like' && operator !== 'ilike') return checked(scanner, value, raw, start);
  const pattern = raw.replaceAll('*', '%');
  if (/(?<!\\)(?:\\\\)*\\$/.test(pattern))
    scanner.fail('the pattern ends in a backslash that escapes nothing; write \\\\ for one.', start);
  return pattern;
}

/** `ov.[1,5)`, `cs.3`. */
function parseRangeComparison(
  scanner: Scanner,
  value: Value,
  type: RangeType,
  not: boolean,
  operator: RangeOperator,
  enclosed: boolean,
): Condition {
  takeDot(scanner, operator);
  const start = scanner.at;
  const raw = enclosed ? nextValue(scanner, value, ')') : scanner.rest();
  const boundType = boundTypeOf(type);
  const operandType = operator === 'cs' && !looksLikeRange(raw) ? boundType : type;
  const operand = columnText(operandType, raw);
  if (operand !== null) return { kind: 'range', not, value, operator, operand, operandType };
  const orBound = operator === 'cs' ? `; or ${EXPECTED[boundType]}` : '';
  scanner.fail(`the value compared with ${describe(value)} must be ${EXPECTED[type]}${orBound}.`, start);
}

function looksLikeRange(raw: string): boolean {
  return /^\s*(?:[[(]|empty\s*$)/i.test(raw);
}

/**
 * Of what is encrypted only equality can be asked, where its document says so: never an answer that is empty because nothing could be
 * compared.
 */
function parseSealedOperation(scanner: Scanner, value: FieldValue, not: boolean, operator: string, enclosed: boolean): Condition {
  const { name, encrypted } = value.field;
  const plain = { ...value, type: encrypted?.of ?? value.type };
  const isKnown = operator === 'eq' || operator === 'neq' || operator === 'in';
  if (!encrypted?.searchable || !isKnown) {
    const askable = encrypted?.searchable ? 'eq, neq, in and is' : 'is alone, as its document has no "searchable": "equality"';
    scanner.fail(`the property ${quoteName(name)} is encrypted and takes ${askable}.`);
  }
  takeDot(scanner, operator);
  const { cipher, of } = encrypted;
  if (!cipher) throw new Error('an encrypted property without its keys');
  const tagOf = (raw: string, at: number): string => {
    const text = comparedValue(of, checked(scanner, plain, raw, at));
    if (text === null) scanner.fail('what is encrypted is compared with all digits of a decimal, without an exponent.', at);
    return cipher.tag(text);
  };
  if (operator === 'in') {
    const operands = parseList(scanner, plain, enclosed, '(', ')').map(([raw, at]) => tagOf(raw, at));
    return { kind: 'in', not, value: tagged(value, cipher), operands };
  }
  const at = scanner.at;
  const operand = tagOf(enclosed ? nextValue(scanner, plain, ')') : scanner.rest(), at);
  return { kind: 'compare', not, value: tagged(value, cipher), operator, operand };
}

function tagged(of: FieldValue, { slot, epoch }: FieldCipher): Value {
  return { kind: 'tag', of, slot, epoch, type: 'bytea' };
}

/** In a list or a group a range ends at its own bracket, and anything else before the next comma. */
function nextValue(scanner: Scanner, value: Value, close: ')' | '}'): string {
  return isRangeType(value.type) ? scanner.enclosedRange(close) : scanner.enclosedValue(close);
}

/** `fts.cats`, `fts(english).cats`. */
function parseSearch(scanner: Scanner, value: Value, not: boolean, operator: SearchOperator, enclosed: boolean): Condition {
  if (value.type !== 'text' && value.type !== 'jsonb') {
    scanner.fail(`${operator} searches texts; ${describe(value)} is ${value.type}.`);
  }
  let language: string | null = null;
  if (scanner.take('(')) {
    const start = scanner.at;
    language = scanner.word();
    if (!isTextSearchConfiguration(language) || !scanner.take(')')) {
      scanner.fail(`a text search configuration is expected here: ${TEXT_SEARCH_CONFIGURATIONS.join(', ')}.`, start);
    }
  }
  takeDot(scanner, operator);
  return { kind: 'search', not, value, operator, language, text: enclosed ? scanner.enclosedValue() : scanner.rest() };
}

/**
 * `(a,"b,c",d)`: the values, each with its place. `()` is the list of nothing, `("")` that of the empty text. Spaces belong to the
 * values.
 */
function parseList(
  scanner: Scanner,
  value: Value,
  enclosed: boolean,
  open: '(' | '{',
  close: ')' | '}',
): (readonly [string, number])[] {
  scanner.skipSpaces();
  if (!scanner.take(open)) scanner.fail(`a list is expected here, such as ${open}1,2,3${close}.`);
  const values: [string, number][] = [];
  if (!scanner.take(close)) {
    do {
      const start = scanner.at;
      values.push([nextValue(scanner, value, close), start]);
      if (values.length > MAX_IN_VALUES) scanner.exceed(`a list takes ${MAX_IN_VALUES} values at most.`);
    } while (scanner.take(','));
    if (!scanner.take(close)) scanner.fail(`a comma or ${close} is expected here.`);
  }
  scanner.skipSpaces();
  if (!enclosed && !scanner.done) {
    scanner.fail(`nothing may follow the ${close}; a value that holds one is written in double quotes.`);
  }
  return values;
}

function parseTest(scanner: Scanner, value: Value, enclosed: boolean): TestName {
  const start = scanner.at;
  const test = (enclosed ? scanner.enclosedValue() : scanner.rest()).trim().toLowerCase();
  if (!isOneOf<TestName>(TESTS, test)) scanner.fail('is takes null, not_null, true, false or unknown.', start);
  if (value.type !== 'boolean' && test !== 'null' && test !== 'not_null') {
    scanner.fail(`is.${test} needs a boolean; ${describe(value)} is ${value.type}.`, start);
  }
  return test;
}

function checked(scanner: Scanner, value: Value, raw: string, start: number): string {
  // Filters are over what is stored, which has no wider numbers than its own.
  const type = value.type === 'number' ? 'numeric' : value.type;
  const text = columnText(type, raw);
  if (text !== null) return text;
  const hint = raw.trim().toLowerCase() === 'null' ? ' To find records without a value write is.null.' : '';
  scanner.fail(`the value compared with ${describe(value)} must be ${EXPECTED[type]}.${hint}`, start);
}

function takeDot(scanner: Scanner, operator: string): void {
  if (scanner.startsWith('(')) scanner.fail(`${operator} takes no such modifier.`);
  if (!scanner.take('.')) scanner.fail(`a dot is expected after the operator ${operator}.`);
}

/** A missing operator is far likelier than a misspelt one, and what stands there may then be a value: not repeated unless it looks like a word. */
function failOnOperator(scanner: Scanner, value: Value, word: string, start: number): never {
  if (OF_RANGES.includes(word)) scanner.fail(`${word} compares ranges; ${describe(value)} is ${value.type}.`, start);
  const usage = `write ${describe(value)} followed by operator.value or not.operator.value; operators are ${OPERATORS}.`;
  const named = word !== '' && word.length <= 12 && scanner.startsWith('.');
  scanner.fail(named ? `there is no operator ${quoteName(word)}; ${usage}` : `an operator is expected here; ${usage}`, start);
}

function isOneOf<T extends string>(words: readonly string[], word: string): word is T {
  return words.includes(word);
}

/**
 * Filters of a query string, PostgREST's way: `name=op.value`, `name=not.op.value`, `or=(a.gt.1,b.is.null)`, nested.
 * Used by `parse-list-query.ts`; whatever else narrows records by a query string reads it here too.
 */

import type { ColumnType, Entity } from '../entity.js';
import type { ComparisonOperator, Condition, Field, TestName } from './ast.js';
import { columnText, EXPECTED } from './column-text.js';
import { fieldOf, isKnownName } from './fields.js';
import { invalidQuery, quoteName } from './invalid-query.js';
import { MAX_FILTER_DEPTH, MAX_FILTER_TERMS, MAX_IN_VALUES } from './query-limits.js';
import { Scanner } from './scanner.js';

const COMPARISONS: readonly string[] = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike'] satisfies ComparisonOperator[];
const TESTS: readonly string[] = ['null', 'not_null', 'true', 'false', 'unknown'] satisfies TestName[];
const OPERATORS = 'eq, neq, gt, gte, lt, lte, like, ilike, in, is';

/** Parameter names that stand for a group. A property of such a name is still reached inside one: `and=(or.eq.1)`. */
const GROUPS: ReadonlyMap<string, { readonly kind: 'and' | 'or'; readonly not: boolean }> = new Map([
  ['and', { kind: 'and', not: false }],
  ['or', { kind: 'or', not: false }],
  ['not.and', { kind: 'and', not: true }],
  ['not.or', { kind: 'or', not: true }],
]);

/** One request's filters: `terms` counts the comparisons of all of them against the limit. */
export interface FilterParsing {
  readonly entity: Entity;
  terms: number;
}

/** One parameter. Throws `request/invalid-query`. */
export function parseFilter(parsing: FilterParsing, parameter: string, value: string): Condition {
  const scanner = new Scanner(parameter, value);
  const group = GROUPS.get(parameter);
  if (!group) {
    const field = parameterField(parsing.entity, parameter);
    return parseTerm(parsing, scanner, field, false);
  }
  const terms = parseGroup(parsing, scanner, 1);
  if (!scanner.done) scanner.fail('nothing may follow the closing parenthesis.');
  return { ...group, terms };
}

/** The parameter's name is a property name. A dot would lead into another entity, an arrow into a JSON value. */
function parameterField(entity: Entity, parameter: string): Field {
  const fail = (message: string): never => {
    throw invalidQuery(parameter, message);
  };
  const plain = !/^"|\.|->/.test(parameter);
  if (plain && (isKnownName(entity, parameter) || parameter.trim() === '')) return fieldOf(entity, parameter, fail);
  const scanner = new Scanner(parameter, parameter);
  const name = scanner.name();
  if (scanner.done) return fieldOf(entity, name, fail);
  if (scanner.startsWith('.')) {
    return fail('filters on related entities are not supported; a property whose name holds a dot is written in double quotes.');
  }
  if (scanner.startsWith('->')) return fail('filters inside JSON values are not supported.');
  return fieldOf(entity, parameter, fail);
}

/** `(term,term,…)`, each a comparison or a group of its own. */
function parseGroup(parsing: FilterParsing, scanner: Scanner, depth: number): Condition[] {
  if (depth > MAX_FILTER_DEPTH) scanner.fail(`groups may be nested ${MAX_FILTER_DEPTH} deep at most.`);
  scanner.skipSpaces();
  if (!scanner.take('(')) scanner.fail('a list in parentheses is expected here, such as (price.gt.10,name.is.null).');
  const terms: Condition[] = [];
  do {
    scanner.skipSpaces();
    terms.push(parseGroupTerm(parsing, scanner, depth));
    scanner.skipSpaces();
  } while (scanner.take(','));
  if (!scanner.take(')')) scanner.fail('a comma or a closing parenthesis is expected here.');
  scanner.skipSpaces();
  return terms;
}

function parseGroupTerm(parsing: FilterParsing, scanner: Scanner, depth: number): Condition {
  for (const [prefix, group] of GROUPS) {
    if (!scanner.startsWith(`${prefix}(`)) continue;
    scanner.take(prefix);
    return { ...group, terms: parseGroup(parsing, scanner, depth + 1) };
  }
  const start = scanner.at;
  const name = scanner.name();
  if (scanner.startsWith('(')) scanner.fail('groups are and(…), or(…), not.and(…) and not.or(…).', start);
  const field = fieldOf(parsing.entity, name, (message) => scanner.fail(message, start));
  if (scanner.startsWith('->')) scanner.fail('filters inside JSON values are not supported.');
  if (!scanner.take('.'))
    scanner.fail(`a dot and an operator are expected after ${quoteName(name)}; operators are ${OPERATORS}.`);
  return parseTerm(parsing, scanner, field, true);
}

/** `[not.]operator.value`; enclosed in a group, the value ends before its comma or parenthesis. */
function parseTerm(parsing: FilterParsing, scanner: Scanner, field: Field, enclosed: boolean): Condition {
  if (++parsing.terms > MAX_FILTER_TERMS) scanner.fail(`a request may hold ${MAX_FILTER_TERMS} filter terms at most.`);
  const not = scanner.take('not.');
  const start = scanner.at;
  const operator = scanner.word();
  if (operator !== 'is' && operator !== 'in' && !isComparison(operator)) failOnOperator(scanner, field, operator, start);
  if (scanner.startsWith('(')) scanner.fail('the modifiers (any) and (all) are not supported.');
  if (!scanner.take('.')) scanner.fail(`a dot is expected after the operator ${operator}.`);
  if (operator === 'is') return { kind: 'is', not, field, test: parseTest(scanner, field, enclosed) };
  if (field.type === 'jsonb') {
    scanner.fail(`${quoteName(field.name)} holds JSON and can only be compared by is.null and is.not_null.`, start);
  }
  if (operator === 'in') return { kind: 'in', not, field, values: parseValues(scanner, field, enclosed) };
  return parseComparison(scanner, field, not, operator, enclosed);
}

function parseComparison(
  scanner: Scanner,
  field: Field,
  not: boolean,
  operator: ComparisonOperator,
  enclosed: boolean,
): Condition {
  const start = scanner.at;
  const raw = enclosed ? scanner.enclosedValue() : scanner.rest();
  if (operator !== 'like' && operator !== 'ilike') {
    return { kind: 'compare', not, field, operator, value: checkedValue(scanner, field, raw, start) };
  }
  if (field.type !== 'text') scanner.fail(`${operator} needs a text property; ${quoteName(field.name)} is ${field.type}.`, start);
  const pattern = raw.replaceAll('*', '%');
  if (/(?<!\\)(?:\\\\)*\\$/.test(pattern))
    scanner.fail('the pattern ends in a backslash that escapes nothing; write \\\\ for one.', start);
  return { kind: 'compare', not, field, operator, value: pattern };
}

/** `(a,"b,c",d)`; `()` is the list of nothing, `("")` that of the empty text. Spaces belong to the values. */
function parseValues(scanner: Scanner, field: Field, enclosed: boolean): string[] {
  scanner.skipSpaces();
  if (!scanner.take('(')) scanner.fail('a list in parentheses is expected after in., such as in.(1,2,3).');
  const values: string[] = [];
  if (!scanner.take(')')) {
    do {
      const start = scanner.at;
      values.push(checkedValue(scanner, field, scanner.enclosedValue(), start));
      if (values.length > MAX_IN_VALUES) scanner.fail(`in takes ${MAX_IN_VALUES} values at most.`);
    } while (scanner.take(','));
    if (!scanner.take(')')) scanner.fail('a comma or a closing parenthesis is expected here.');
  }
  scanner.skipSpaces();
  if (!enclosed && !scanner.done) {
    scanner.fail('nothing may follow the closing parenthesis; a value that holds one is written in double quotes.');
  }
  return values;
}

function parseTest(scanner: Scanner, field: Field, enclosed: boolean): TestName {
  const start = scanner.at;
  const test = (enclosed ? scanner.enclosedValue() : scanner.rest()).trim().toLowerCase();
  if (!isTest(test)) scanner.fail('is takes null, not_null, true, false or unknown.', start);
  if (field.type !== 'boolean' && test !== 'null' && test !== 'not_null') {
    scanner.fail(`is.${test} needs a boolean property; ${quoteName(field.name)} is ${field.type}.`, start);
  }
  return test;
}

function checkedValue(scanner: Scanner, field: Field, raw: string, start: number): string {
  // Callers have refused jsonb by now.
  const type = field.type as Exclude<ColumnType, 'jsonb'>;
  const text = columnText(type, raw);
  if (text !== null) return text;
  const hint = raw.trim().toLowerCase() === 'null' ? ' To find records without a value write is.null.' : '';
  scanner.fail(`the value compared with ${quoteName(field.name)} must be ${EXPECTED[type]}.${hint}`, start);
}

/** A missing operator is far likelier than a misspelt one, and what stands there may then be a value: not repeated unless it looks like a word. */
function failOnOperator(scanner: Scanner, field: Field, word: string, start: number): never {
  const usage = `write ${quoteName(field.name)} followed by operator.value or not.operator.value; operators are ${OPERATORS}.`;
  const named = word !== '' && word.length <= 12 && scanner.startsWith('.');
  scanner.fail(named ? `there is no operator ${quoteName(word)}; ${usage}` : `an operator is expected here; ${usage}`, start);
}

function isComparison(word: string): word is ComparisonOperator {
  return COMPARISONS.includes(word);
}

function isTest(word: string): word is TestName {
  return TESTS.includes(word);
}

/**
 * Filters of a query string, PostgREST's way: `name=op.value`, `name=not.op.value`, `data->>size=gt.1`, `or=(a.gt.1,b.is.null)`,
 * nested. Used by `parse-read-query.ts`; whatever else narrows records by a query string reads it here too.
 */

import type { Entity } from '../entity.js';
import type { Condition, Embed, Value } from './ast.js';
import { fieldOf, isKnownName } from './fields.js';
import { invalidQuery, quoteName } from './invalid-query.js';
import { OPERATORS, parseOperation } from './parse-operation.js';
import { fieldValue, parsePath } from './parse-value.js';
import { MAX_FILTER_DEPTH, MAX_FILTER_TERMS } from './query-limits.js';
import { Scanner } from './scanner.js';

/** Parameter names that stand for a group. A property of such a name is still reached inside one: `and=(or.eq.1)`. */
export const GROUPS: ReadonlyMap<string, { readonly kind: 'and' | 'or'; readonly not: boolean }> = new Map([
  ['and', { kind: 'and', not: false }],
  ['or', { kind: 'or', not: false }],
  ['not.and', { kind: 'and', not: true }],
  ['not.or', { kind: 'or', not: true }],
]);

/** Whose filters are read, and what is embedded there. */
export interface FilterParsing {
  readonly entity: Entity;
  readonly embeds: ReadonlyMap<string, Embed>;
  /** Counts the comparisons of the whole request against the limit. */
  readonly count: { terms: number };
}

/** One parameter. `name` is its name without the path of embeds that leads here. Throws `request/invalid-query`. */
export function parseFilter(parsing: FilterParsing, parameter: string, name: string, text: string): Condition {
  const scanner = new Scanner(parameter, text);
  const group = GROUPS.get(name);
  if (!group) {
    const embed = parsing.embeds.get(name);
    if (embed && isPresence(text)) return parsePresence(parsing, scanner, embed, false);
    return parseTerm(parsing, scanner, parameterValue(parsing.entity, parameter, name), false);
  }
  const terms = parseGroup(parsing, scanner, 1);
  if (!scanner.done) scanner.fail('nothing may follow the closing parenthesis.');
  return { ...group, terms };
}

/** A property of the same name as an embed is compared with a value; whether it has one is asked of the embed. */
function isPresence(text: string): boolean {
  return /^(?:not\.)?is\./.test(text);
}

/** The parameter's name is a property name, or a path into a JSON value. */
function parameterValue(entity: Entity, parameter: string, name: string): Value {
  const fail = (message: string): never => {
    throw invalidQuery(parameter, message);
  };
  const plain = !/^"|\.|->/.test(name);
  if (plain && (isKnownName(entity, name) || name.trim() === '')) return fieldValue(fieldOf(entity, name, fail, 'compared'));
  const scanner = new Scanner(parameter, name);
  const property = scanner.name();
  if (scanner.startsWith('.') && !isKnownName(entity, property)) {
    return fail(
      `there is no embedded ${quoteName(property)} to filter: select ${property}(…) first; a property whose name holds a dot is written in double quotes.`,
    );
  }
  if (!scanner.done && !scanner.startsWith('->')) return fieldValue(fieldOf(entity, name, fail, 'compared'));
  const value = parsePath(scanner, fieldValue(fieldOf(entity, property, fail, 'compared')));
  if (!scanner.done) scanner.fail('the end of the path is expected here.');
  return value;
}

/** `(term,term,…)`, each a comparison or a group of its own. */
function parseGroup(parsing: FilterParsing, scanner: Scanner, depth: number): Condition[] {
  if (depth > MAX_FILTER_DEPTH) scanner.exceed(`groups may be nested ${MAX_FILTER_DEPTH} deep at most.`);
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
  const embed = parsing.embeds.get(name);
  if (embed && isPresence(scanner.text.slice(scanner.at + 1, scanner.at + 8))) {
    scanner.take('.');
    return parsePresence(parsing, scanner, embed, true);
  }
  const field = fieldOf(parsing.entity, name, (message) => scanner.fail(message, start), 'compared');
  const value = parsePath(scanner, fieldValue(field));
  if (!scanner.take('.'))
    scanner.fail(`a dot and an operator are expected after ${quoteName(name)}; operators are ${OPERATORS}.`);
  return parseTerm(parsing, scanner, value, true);
}

/** `[not.]operator.value`; enclosed in a group, the value ends before its comma or parenthesis. */
function parseTerm(parsing: FilterParsing, scanner: Scanner, value: Value, enclosed: boolean): Condition {
  countTerm(parsing, scanner);
  return parseOperation(parsing.entity, scanner, value, enclosed);
}

/** `[not.]is.null` of an embed: whether it has any record. */
function parsePresence(parsing: FilterParsing, scanner: Scanner, embed: Embed, enclosed: boolean): Condition {
  countTerm(parsing, scanner);
  const negated = scanner.take('not.');
  scanner.take('is.');
  const start = scanner.at;
  const test = (enclosed ? scanner.enclosedValue() : scanner.rest()).trim().toLowerCase();
  if (test !== 'null' && test !== 'not_null') {
    scanner.fail(`${quoteName(embed.as)} is embedded: it can be asked is.null or not.is.null.`, start);
  }
  return { kind: 'present', not: (test === 'null') !== negated, embed };
}

function countTerm({ count }: FilterParsing, scanner: Scanner): void {
  if (++count.terms > MAX_FILTER_TERMS) scanner.exceed(`a request may hold ${MAX_FILTER_TERMS} filter terms at most.`);
}

/** `order=name.desc.nullslast,data->>size,customer(name).asc` (PostgREST). Used by `parse-read-query.ts`. */

import type { Entity } from '../entity.js';
import type { Embed, OrderTerm, SelectTerm, Value } from './ast.js';
import { fieldOf } from './fields.js';
import { invalidQuery, quoteName } from './invalid-query.js';
import { describe, fieldValue, isAggregated, nameOf, parsePath, parseValue } from './parse-value.js';
import { MAX_ORDER_TERMS } from './query-limits.js';
import { Scanner } from './scanner.js';

/** What can be sorted: records by what they hold, or groups by what they are grouped by. */
export interface Sorted {
  readonly entity: Entity;
  readonly select: readonly SelectTerm[];
  readonly isGrouped: boolean;
}

/**
 * Always ends in a total order: of records, `id` comes last unless it is named. Ids are UUID v7, so without `order` records come
 * in the order of their creation. Groups end in the order of what they are grouped by.
 */
export function parseOrder(parameter: string, sorted: Sorted, text: string | undefined): readonly OrderTerm[] {
  const terms = text === undefined ? [] : parseTerms(sorted, new Scanner(parameter, text));
  if (sorted.isGrouped) return [...terms, ...remainingGroups(sorted, terms)];
  if (terms.some(({ embed, value }) => embed === null && value.kind === 'field' && value.field.name === 'id')) return terms;
  const id = fieldOf(sorted.entity, 'id', (message) => {
    throw invalidQuery(parameter, message);
  });
  return [...terms, { embed: null, value: fieldValue(id), descending: false }];
}

function parseTerms(sorted: Sorted, scanner: Scanner): OrderTerm[] {
  const terms: OrderTerm[] = [];
  do {
    terms.push(parseTerm(sorted, scanner));
    if (terms.length > MAX_ORDER_TERMS) scanner.exceed(`order takes ${MAX_ORDER_TERMS} terms at most.`);
    scanner.skipSpaces();
  } while (scanner.take(','));
  if (!scanner.done) {
    scanner.fail(
      'asc, desc, nullsfirst or nullslast (direction first), a comma or the end is expected here, as in name.desc.nullslast.',
    );
  }
  return terms;
}

function parseTerm(sorted: Sorted, scanner: Scanner): OrderTerm {
  scanner.skipSpaces();
  const by = parseBy(sorted, scanner);
  const descending = modifier(scanner, 'desc');
  if (!descending) modifier(scanner, 'asc');
  if (modifier(scanner, 'nullsfirst')) return { ...by, descending, nulls: 'first' };
  if (modifier(scanner, 'nullslast')) return { ...by, descending, nulls: 'last' };
  return { ...by, descending };
}

function parseBy(sorted: Sorted, scanner: Scanner): { readonly embed: Embed | null; readonly value: Value } {
  const start = scanner.at;
  const name = scanner.name();
  if (scanner.take('(')) {
    const embed = toOneEmbed(sorted, scanner, name, start);
    const inside = scanner.at;
    const value = sortable(parseValue(embed.node.entity, scanner), scanner, inside);
    if (!scanner.take(')')) scanner.fail('a closing parenthesis is expected here.');
    return { embed, value };
  }
  if (sorted.isGrouped) return { embed: null, value: groupedValue(sorted, scanner, name, start) };
  const field = fieldOf(sorted.entity, name, (message) => scanner.fail(message, start));
  return { embed: null, value: sortable(parsePath(scanner, fieldValue(field)), scanner, start) };
}

function sortable(value: Value, scanner: Scanner, start: number): Value {
  if (value.kind === 'field' && value.type === 'jsonb') {
    scanner.fail(
      `${describe(value)} holds JSON, which has no order to sort by; sort by something in it, as in data->>size.`,
      start,
    );
  }
  return value;
}

function toOneEmbed({ select, isGrouped }: Sorted, scanner: Scanner, name: string, start: number): Embed {
  if (isGrouped) scanner.fail('groups are sorted by what they are grouped by, not by related records.', start);
  const embed = select.flatMap((term) => (term.kind === 'embed' && term.embed.as === name ? term.embed : []))[0];
  if (!embed) scanner.fail(`${quoteName(name)} is not embedded: select ${name}(…) to sort by what it holds.`, start);
  if (embed.relationship.isToMany) {
    scanner.fail(`${quoteName(name)} may be many records, and nothing says by which of them to sort.`, start);
  }
  return embed;
}

/** By its name in the answer, or by the property it groups by. */
function groupedValue({ select }: Sorted, scanner: Scanner, name: string, start: number): Value {
  const values = select.flatMap((term) => (term.kind === 'value' ? term : []));
  const found =
    values.find(({ as }) => as === name) ?? values.find(({ value }) => !isAggregated(value) && nameOf(value) === name);
  if (!found) scanner.fail(`groups are sorted by what is selected, and ${quoteName(name)} is not.`, start);
  return found.value;
}

function remainingGroups({ select }: Sorted, terms: readonly OrderTerm[]): OrderTerm[] {
  const named = new Set(terms.map(({ value }) => value));
  return select.flatMap((term) =>
    term.kind === 'value' && !isAggregated(term.value) && !named.has(term.value)
      ? [{ embed: null, value: term.value, descending: false }]
      : [],
  );
}

/** Reads `.word` if it is next as a whole word. */
function modifier(scanner: Scanner, word: string): boolean {
  const start = scanner.at;
  if (scanner.take('.') && scanner.word() === word) return true;
  scanner.at = start;
  return false;
}

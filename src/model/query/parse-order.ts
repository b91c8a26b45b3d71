/** `order=name.desc.nullslast,id` (PostgREST). Used by `parse-list-query.ts`. */

import type { Entity } from '../entity.js';
import type { OrderTerm } from './ast.js';
import { fieldOf } from './fields.js';
import { invalidQuery, quoteName } from './invalid-query.js';
import { MAX_ORDER_TERMS } from './query-limits.js';
import { Scanner } from './scanner.js';

/**
 * Always ends in a total order: `id` comes last unless it is named. Ids are UUID v7, so without `order` records come in
 * the order of their creation.
 */
export function parseOrder(entity: Entity, value: string | undefined): readonly OrderTerm[] {
  const terms = value === undefined ? [] : parseTerms(entity, new Scanner('order', value));
  if (terms.some((term) => term.field.name === 'id')) return terms;
  const id = fieldOf(entity, 'id', (message) => {
    throw invalidQuery('order', message);
  });
  return [...terms, { field: id, descending: false }];
}

function parseTerms(entity: Entity, scanner: Scanner): OrderTerm[] {
  const terms: OrderTerm[] = [];
  do {
    terms.push(parseTerm(entity, scanner));
    if (terms.length > MAX_ORDER_TERMS) scanner.fail(`order takes ${MAX_ORDER_TERMS} terms at most.`);
    scanner.skipSpaces();
  } while (scanner.take(','));
  if (scanner.startsWith('(')) scanner.fail('sorting by related entities is not supported.');
  if (scanner.startsWith('->')) scanner.fail('sorting by parts of JSON values is not supported.');
  if (!scanner.done) {
    scanner.fail(
      'asc, desc, nullsfirst or nullslast (direction first), a comma or the end is expected here, as in name.desc.nullslast.',
    );
  }
  return terms;
}

function parseTerm(entity: Entity, scanner: Scanner): OrderTerm {
  scanner.skipSpaces();
  const start = scanner.at;
  const field = fieldOf(entity, scanner.name(), (message) => scanner.fail(message, start));
  if (field.type === 'jsonb') scanner.fail(`${quoteName(field.name)} holds JSON, which has no order to sort by.`, start);
  const descending = modifier(scanner, 'desc');
  if (!descending) modifier(scanner, 'asc');
  if (modifier(scanner, 'nullsfirst')) return { field, descending, nulls: 'first' };
  if (modifier(scanner, 'nullslast')) return { field, descending, nulls: 'last' };
  return { field, descending };
}

/** Reads `.word` if it is next as a whole word. */
function modifier(scanner: Scanner, word: string): boolean {
  const start = scanner.at;
  if (scanner.take('.') && scanner.word() === word) return true;
  scanner.at = start;
  return false;
}

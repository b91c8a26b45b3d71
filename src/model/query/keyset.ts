/**
 * Where a page of a list ends, and so where the next begins: what its last record is sorted by. Used by `read-statement.ts`,
 * which reads it with the page, and by whoever hands it to the client.
 */

import type { Cell } from '../values/read-writer.js';
import type { OrderTerm } from './ast.js';

/** A text for each term of a keyset, as Postgres prints the value; null is NULL. */
export type Position = readonly (string | null)[];

export interface Keyset {
  /** The order as far as it matters: what comes behind `id` never decides. */
  readonly terms: readonly OrderTerm[];
  /** Where in a row the value of each term stands. */
  readonly at: readonly number[];
  /** The terms, by their number, that no cell holds: their values stand behind the cells. */
  readonly added: readonly number[];
}

/** @param order total, as `parseOrder` makes it */
export function keysetOf(order: readonly OrderTerm[], cells: readonly Cell[]): Keyset {
  const terms = order.slice(0, order.findIndex(isId) + 1);
  const added: number[] = [];
  const at = terms.map(({ embed, value }, index) => {
    const own = embed === null && value.kind === 'field' ? value.field.column : null;
    const known = cells.findIndex((cell) => cell.kind === 'column' && cell.column === own);
    return known < 0 ? cells.length + added.push(index) - 1 : known;
  });
  return { terms, at, added };
}

/** @param row as the statement returned it, without what a total adds */
export function positionOf({ at }: Keyset, row: readonly (string | null)[]): Position {
  return at.map((index) => row[index] ?? null);
}

function isId({ embed, value }: OrderTerm): boolean {
  return embed === null && value.kind === 'field' && value.field.name === 'id';
}

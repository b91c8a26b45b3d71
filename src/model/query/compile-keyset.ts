/**
 * "Behind this position in this order" as SQL, for any mixture of directions and NULLs. Written so that an index on the first
 * term finds the place: 100,000 rows in, a page costs what the first one costs. Used by `read-statement.ts`.
 */

import { holdsNull } from '../ddl/column.js';
import { type Entity, isSystemMember } from '../entity.js';
import type { OrderTerm } from './ast.js';
import { sqlType } from './compile-filter.js';
import type { Parameters } from './compile-value.js';
import type { Position } from './keyset.js';

/** One term of the order and where the last page ended in it. */
interface Place extends Traits {
  readonly sql: string;
  /** The parameter that holds the value; null: it was NULL. */
  readonly at: string | null;
}

export interface Range {
  readonly condition: string;
  /** The first term of the order is NULL in all rows. */
  readonly isNull: boolean;
}

/** Records beyond the position are of two kinds, told apart by whether the first term is NULL. */
export function hasNullsAhead(entity: Entity, [term]: readonly OrderTerm[], [value = null]: Position): boolean {
  if (!term) return false;
  const { isStored, isNullable, nullsFirst } = traitsOf(entity, term);
  return isStored && isNullable && nullsFirst === (value === null);
}

/**
 * One condition; or, with `hasNullsAhead`, two, of which all rows that meet the first come before all that meet the second: a
 * scan of an index finds either half, and no scan finds `a > x or a is null`. Where the first term is NULL throughout, rows are
 * to be sorted by the others alone, which Postgres would not find out: an index on them is then of use.
 * @param sql of each term, in which no parameter is new
 */
export function compileKeyset(
  entity: Entity,
  terms: readonly OrderTerm[],
  position: Position,
  sql: readonly string[],
  values: Parameters,
): readonly [Range] | readonly [Range, Range] {
  const places = terms.map((term, index): Place => {
    const value = position[index] ?? null;
    const at = value === null ? null : `$${values.push(value)}::${sqlType(term.value.type)}`;
    return { ...traitsOf(entity, term), sql: sql[index] ?? '', at };
  });
  const [first, ...others] = places;
  if (!first) throw new Error('an order has no terms');
  const range = (condition: string, isNull = false): Range => ({ condition, isNull });
  if (isRow(places)) return [range(rowComparison(places))];
  if (!first.isStored) return [range(behind(places))];
  const isInTwo = hasNullsAhead(entity, terms, position);
  if (first.at === null) {
    const within = range(`${first.sql} is null and ${behind(others)}`, true);
    return isInTwo ? [within, range(`${first.sql} is not null`)] : [within];
  }
  // Apart from what is in the parentheses, an index can be searched for it.
  const compared = `${first.sql} ${beyond(first)}`;
  const found = range(`${compared}= ${first.at} and (${compared} ${first.at} or ${behind(others)})`);
  return isInTwo ? [found, range(`${first.sql} is null`, true)] : [found];
}

interface Traits {
  readonly isStored: boolean;
  readonly isDescending: boolean;
  readonly isNullable: boolean;
  readonly nullsFirst: boolean;
}

function traitsOf(entity: Entity, { embed, value, descending, nulls }: OrderTerm): Traits {
  const isStored = embed === null && value.kind === 'field';
  return {
    isStored,
    isDescending: descending,
    isNullable: !(isStored && isNeverNull(entity, value.field.name)),
    // Postgres' own rule: NULL is greater than anything.
    nullsFirst: nulls === undefined ? descending : nulls === 'first',
  };
}

function isNeverNull({ properties }: Entity, name: string): boolean {
  if (isSystemMember(name)) return true;
  const property = properties.find((candidate) => candidate.name === name);
  return property !== undefined && !holdsNull(property);
}

/** Terms that a row comparison compares as the order does: all in one direction, and none of them NULL. */
function isRow(places: readonly Place[]): boolean {
  return places.every(
    ({ isNullable, isDescending, at }) => !isNullable && at !== null && isDescending === places[0]?.isDescending,
  );
}

function rowComparison(places: readonly Place[]): string {
  const operator = places.map(beyond)[0];
  const row = (parts: readonly (string | null)[]): string => (parts.length === 1 ? `${parts[0]}` : `(${parts.join(', ')})`);
  return `${row(places.map(({ sql }) => sql))} ${operator} ${row(places.map(({ at }) => at))}`;
}

/** Safe beside `or` and `and`. The last place is that of `id`, which is never NULL. */
function behind([place, ...others]: readonly Place[]): string {
  if (!place) throw new Error('an order does not end in id');
  const further = furtherThan(place);
  if (others.length === 0) return further ?? 'false';
  const equal = place.at === null ? `${place.sql} is null` : `${place.sql} = ${place.at}`;
  const among = `(${equal} and ${behind(others)})`;
  return further === null ? among : `(${further} or ${among})`;
}

/** null: nothing is. */
function furtherThan(place: Place): string | null {
  const { sql, at, isNullable, nullsFirst } = place;
  if (at === null) return nullsFirst ? `${sql} is not null` : null;
  const compared = `${sql} ${beyond(place)} ${at}`;
  return isNullable && !nullsFirst ? `(${compared} or ${sql} is null)` : compared;
}

function beyond({ isDescending }: Place): '<' | '>' {
  return isDescending ? '<' : '>';
}

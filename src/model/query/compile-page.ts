/** The rows of one page, by offset or behind a position, as a SELECT. Used by `read-statement.ts`. */

import type { OrderTerm, ReadQuery } from './ast.js';
import { compileKeyset, type Range } from './compile-keyset.js';
import { type Compilation, indented, orderModifiers, orderValue, pageLines, sortName } from './compile-node.js';
import type { Keyset, Position } from './keyset.js';

/** A page that another can follow: it is read with one row more than it shows, which says whether another does. */
export interface Linked {
  readonly keyset: Keyset;
  /** Where the page before it ended; null: it is the first, or begins at an offset. */
  readonly after: Position | null;
}

export interface Source {
  /** Stands before the columns: empty, or the alias of their table and a dot. */
  readonly ref: string;
  /** `from` and `where`: the same parameters wherever they stand. */
  readonly lines: readonly string[];
}

/** A term of the order, and what it is called outside the page: plain columns have their own name, what is computed gets one. */
export interface Sort {
  readonly term: OrderTerm;
  readonly sql: string;
  readonly name: string;
  readonly isPlain: boolean;
}

export function sortsOf(compilation: Compilation, { order }: ReadQuery, ref: string): readonly Sort[] {
  return order.map((term, index) => {
    const isPlain = term.embed === null && term.value.kind === 'field';
    const sql = orderValue(compilation, term, ref);
    return { term, sql, name: isPlain ? sql.slice(ref.length) : sortName(index), isPlain };
  });
}

export interface Page {
  readonly select: readonly string[];
  /** What is selected, as it is called outside. */
  readonly names: readonly string[];
  readonly source: Source;
  readonly sorts: readonly Sort[];
  /** Of each sort, within the page. */
  readonly order: readonly string[];
  readonly linked: Linked | null;
}

/** Two halves become one page: the second is not even begun where the first fills it. */
export function pageSelect(compilation: Compilation, query: ReadQuery, page: Page): string[] {
  const { select, names, source, sorts, order, linked } = page;
  const by = sorts.map(({ term }, index) => `${order[index]}${orderModifiers(term)}`);
  const part = (range: Range | null, limits: readonly string[]): string[] => [
    `select ${select.join(', ')}`,
    ...source.lines,
    ...(range === null ? [] : `  and ${range.condition}`.split('\n')),
    `order by ${by.slice(range?.isNull ? 1 : 0).join(', ')}`,
    ...limits,
  ];
  if (!linked) return part(null, pageLines(compilation, query));
  const limit = query.limit === 0 ? 0 : query.limit + 1;
  if (!linked.after) return part(null, pageLines(compilation, { ...query, limit }));
  const { values } = compilation;
  const terms = sorts.map(({ sql }) => sql);
  const [found, further] = compileKeyset(query.entity, linked.keyset.terms, linked.after, terms, values);
  const limitLine = `limit $${values.push(String(limit))}::bigint`;
  if (further === undefined) return part(found, [limitLine]);
  return [
    'with near as (',
    ...part(found, [limitLine]).map(indented),
    ')',
    `select ${names.join(', ')}`,
    'from near',
    'union all',
    '(',
    ...part(further, [`${limitLine} - (select count(*) from near)`]).map(indented),
    ')',
  ];
}

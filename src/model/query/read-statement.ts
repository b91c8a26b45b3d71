/**
 * A `ReadQuery` into one statement, with the total in the same round trip when it is asked for, and its rows back into
 * page and total. Used by the records store.
 */

import type { TenantHome } from '../entity.js';
import { quoteIdent, type Statement } from '../sql.js';
import type { Cell, ReadWriter } from '../values/read-writer.js';
import type { ReadQuery } from './ast.js';
import { hasNullsAhead } from './compile-keyset.js';
import {
  type Compilation,
  cellSql,
  columnsBehind,
  compilationOf,
  conditionLines,
  groupLines,
  groupPosition,
  indented,
  orderModifiers,
  orderValue,
  rowsOf,
  statementOf,
} from './compile-node.js';
import { type Linked, pageSelect, type Source, sortsOf } from './compile-page.js';

type Row = readonly (string | null)[];

/** The page, by which embedded entities are found. */
const PAGE = 'page';

/**
 * Each row of the answer holds the texts of the writer's cells, in order, and behind them what `linked` adds. With `query.count`
 * as `exact` two columns come before them: the total, and one that is NULL where the page is empty and the one row carries
 * nothing but the total. `readRows` reads both layouts. Groups cannot be `linked`.
 */
export function readStatement(home: TenantHome, query: ReadQuery, { cells }: ReadWriter, linked?: Linked): Statement {
  const compilation = compilationOf(home, query);
  const hasTotal = query.count === 'exact';
  const lines = query.isGrouped
    ? groupedLines(compilation, query, cells, hasTotal)
    : recordLines(compilation, query, cells, hasTotal, linked ?? null);
  return statementOf(compilation, lines.join('\n'));
}

/**
 * What says which records a list has and in which order: the same text for the same list, whatever is selected of each record
 * and wherever a page begins.
 */
export function sequenceOf(home: TenantHome, query: ReadQuery): string {
  const compilation = compilationOf(home, query);
  const { lines } = namedSource(compilation, query, PAGE);
  const order = query.order.map((term) => orderValue(compilation, term, `${PAGE}.`) + orderModifiers(term));
  return JSON.stringify([lines, order, compilation.values]);
}

/** How many records there are, or how many the planner thinks there are: a row of EXPLAIN (format json). */
export function countStatement(home: TenantHome, query: ReadQuery, { cells }: ReadWriter, atMost?: number): Statement {
  const compilation = compilationOf(home, query);
  const source = sourceOf(compilation, query, cells);
  const rows = query.isGrouped ? groupsOf(compilation, query, cells, source, true) : ['select', ...source.lines];
  if (atMost === undefined) return statementOf(compilation, ['explain (format json)', ...rows].join('\n'));
  const limit = `limit $${compilation.values.push(String(atMost))}::bigint`;
  const lines = ['select count(*)', 'from (', ...rows.map(indented), indented(limit), ') as counted'];
  return statementOf(compilation, lines.join('\n'));
}

/** What `readStatement` returned, taken apart: `rows` hold exactly the cells. */
export function readRows(query: ReadQuery, rows: readonly Row[]): { total?: number; rows: readonly Row[] } {
  if (query.count !== 'exact') return { rows };
  const found = rows.filter((row) => row[1] !== null);
  return { total: Number(rows[0]?.[0] ?? 0), rows: found.map((row) => row.slice(2)) };
}

/** What EXPLAIN (format json) answered, of which only the expected number of rows is told to anybody. */
export function plannedRows(explained: string): number {
  const [{ Plan: plan }] = JSON.parse(explained) as [{ Plan: { 'Plan Rows': number } }];
  return plan['Plan Rows'];
}

/** Where other tables take part, the one that is read has a name. */
function sourceOf(compilation: Compilation, query: ReadQuery, cells: readonly Cell[]): Source {
  // A value such as `"id"::text` is called "id" by Postgres, which would then be what `order by "id"` means.
  const isBare = (cell: Cell): boolean => cell.kind === 'column' || (query.isGrouped && cell.kind === 'value');
  const isAlone = query.asOf === null && !followsRelations(query) && cells.every(isBare);
  return namedSource(compilation, query, isAlone ? '' : PAGE);
}

function namedSource(compilation: Compilation, query: ReadQuery, name: string): Source {
  const ref = name === '' ? '' : `${name}.`;
  return {
    ref,
    lines: [
      ...`from ${rowsOf(compilation, query.entity, name)}`.split('\n'),
      `where ${ref}tenant_id = $1`,
      ...conditionLines(compilation, query, ref).flatMap((line) => line.split('\n')),
    ],
  };
}

function followsRelations({ select }: ReadQuery): boolean {
  return select.some(({ kind }) => kind === 'embed');
}

/**
 * The total stands left of the join, so it is there when the page is empty. The page is sorted again outside, because
 * SQL promises nothing of a subquery's order; already sorted, that costs one comparison per row. A window count would
 * be lost with an empty page, and a union would tie both halves to the same types. What is embedded is looked up
 * outside too: for the rows of the page and no others.
 */
function recordLines(
  compilation: Compilation,
  query: ReadQuery,
  cells: readonly Cell[],
  hasTotal: boolean,
  linked: Linked | null,
): string[] {
  const source = sourceOf(compilation, query, cells);
  const { ref } = source;
  const isNested = hasTotal || (linked && isInTwo(query, linked)) || cells.some(({ kind }) => kind === 'embed');
  if (!isNested) {
    const selected = cells.map((cell) => cellSql(compilation, cell, ref));
    const sorts = sortsOf(compilation, query, ref);
    const order = sorts.map(({ sql }) => sql);
    const select = [...selected, ...keysOf(linked, order)];
    return pageSelect(compilation, query, { select, names: [], source, sorts, order, linked });
  }
  const total = hasTotal ? ['select count(*) as count', ...source.lines] : [];
  const sorts = sortsOf(compilation, query, ref);
  const plain = sorts.filter(({ isPlain }) => isPlain).map(({ term }) => term);
  const columns = [...new Set([...(hasTotal ? ['id'] : []), ...columnsBehind(cells, plain)])].map(quoteIdent);
  const computed = sorts.filter(({ isPlain }) => !isPlain);
  const page = pageSelect(compilation, query, {
    select: [...columns.map((column) => ref + column), ...computed.map(({ sql, name }) => `${sql} as ${name}`)],
    names: [...columns, ...computed.map(({ name }) => name)],
    order: sorts.map(({ sql, name, isPlain }) => (isPlain ? sql : name)),
    ...{ source, sorts, linked },
  });
  const named = sorts.map(({ name }) => `${PAGE}.${name}`);
  const selected = [...cells.map((cell) => cellSql(compilation, cell, `${PAGE}.`)), ...keysOf(linked, named)];
  return [
    `select ${[...(hasTotal ? ['total.count', `${PAGE}."id"`] : []), ...selected].join(', ')}`,
    ...(hasTotal ? ['from (', ...total.map(indented), ') as total', 'left join ('] : ['from (']),
    ...page.map(indented),
    `) as ${PAGE}${hasTotal ? ' on true' : ''}`,
    `order by ${sorts.map(({ term }, index) => `${named[index]}${orderModifiers(term)}`).join(', ')}`,
  ];
}

/** What no cell of a record says of where it stands in the list. */
function keysOf(linked: Linked | null, sorted: readonly string[]): string[] {
  return linked ? linked.keyset.added.map((index) => sorted[index] ?? '') : [];
}

function isInTwo({ entity }: ReadQuery, { keyset, after }: Linked): boolean {
  return after !== null && hasNullsAhead(entity, keyset.terms, after);
}

function groupedLines(compilation: Compilation, query: ReadQuery, cells: readonly Cell[], hasTotal: boolean): string[] {
  const source = sourceOf(compilation, query, cells);
  if (!hasTotal) return groupsOf(compilation, query, cells, source, false);
  const all = groupsOf(compilation, query, cells, source, true);
  const page = groupsOf(compilation, query, cells, source, false);
  const sorted = query.order.map((term) => `${PAGE}.g${groupPosition(cells, term)}${orderModifiers(term)}`);
  const order = sorted.length === 0 ? [] : [`order by ${sorted.join(', ')}`];
  return [
    `select total.count, ${PAGE}.found, ${cells.map((_, index) => `${PAGE}.g${index}`).join(', ')}`,
    'from (',
    '  select count(*) as count',
    '  from (',
    ...all.map((line) => indented(indented(line))),
    '  ) as groups',
    ') as total',
    'left join (',
    '  select true as found, groups.*',
    '  from (',
    ...page.map((line) => indented(indented(line))),
    '  ) as groups',
    `) as ${PAGE} on true`,
    ...order,
  ];
}

function groupsOf(
  compilation: Compilation,
  query: ReadQuery,
  cells: readonly Cell[],
  source: Source,
  isWhole: boolean,
): string[] {
  const names = cells.map((_, index) => `g${index}`);
  return groupLines(compilation, query, cells, {
    ...{ names, ref: source.ref, source: source.lines },
    ...(isWhole ? { isWhole } : {}),
  });
}

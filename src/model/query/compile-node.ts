/**
 * A node of a query into the parts of a SELECT: what is read of each row, which rows, in which order; and embedded nodes as
 * subqueries of one value each. Every table is asked for the tenant's rows, whatever leads to it. Used by `read-statement.ts`.
 */

import { parameterSql, rowRuleSql } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import type { Entity, TenantHome } from '../entity.js';
import { quoteIdent, type Statement } from '../sql.js';
import type { Cell, ReadWriter } from '../values/read-writer.js';
import type { Embed, OrderTerm, ReadNode, ReadQuery } from './ast.js';
import { compileCondition } from './compile-filter.js';
import { compileValue, fieldBehind, type Parameters } from './compile-value.js';

/** One statement on its way; $1 is the tenant, and of one about the past $2 the instant. */
export interface Compilation {
  readonly home: TenantHome;
  /** What is read in the place of tables, by the names of their entities. */
  readonly sources: ReadonlyMap<string, string> | null;
  readonly values: Parameters;
  /** Of the tables so far. */
  aliases: number;
  /** Epoch of the keys, once something encrypted is looked for. */
  keys?: number;
}

/** What has been compiled, as a statement. */
export function statementOf({ values, keys }: Compilation, text: string): Statement {
  return keys === undefined ? { text, values } : { text, values, keys };
}

export function compilationOf(home: TenantHome, { asOf, sources }: Pick<ReadQuery, 'asOf' | 'sources'>): Compilation {
  if (asOf === null) return { home, sources: null, values: [home.tenantId], aliases: 0 };
  if (!sources) throw new Error('the past is read from sources of its own');
  return { home, sources, values: [home.tenantId, asOf], aliases: 0 };
}

/** What stands behind `from` for the records of an entity. */
export function rowsOf({ home, sources }: Compilation, entity: Entity, alias: string): string {
  const named = alias === '' ? '' : ` as ${alias}`;
  if (!sources) return tableRef(home, entity) + named;
  const source = sources.get(entity.name);
  if (source === undefined) throw new Error(`there is no past of ${entity.name}`);
  return subquery([source]) + named;
}

/** The value that a cell stands for. */
export function cellSql(compilation: Compilation, cell: Cell, ref: string): string {
  if (cell.kind === 'column') return ref + quoteIdent(cell.column);
  // One text, NULL where there is no value: it is written without a look at the rest of its row.
  if (cell.kind === 'sealed') return `${ref}"id"::text || ${ref}${quoteIdent(cell.column)}::text`;
  if (cell.kind === 'value') return compileValue(cell.value, ref, compilation.values);
  return embedSql(compilation, cell.embed, cell.writer, ref);
}

/** Keeps rows out that are not the caller's to read, on a line of its own after the tenant's; nothing where all are. */
export function ownRowLines({ values }: Compilation, { rows }: Entity, ref: string): string[] {
  return rows === undefined || rows.read === true ? [] : [`  and ${rowRuleSql(rows.read, ref, parameterSql(values))}`];
}

/** The conditions on a node's rows, each on a line of its own after the tenant's. */
export function conditionLines(compilation: Compilation, node: ReadNode, ref: string): string[] {
  const presence = (embed: Embed): string => existsSql(compilation, embed, ref);
  const keys = (epoch: number): void => {
    compilation.keys = epoch;
  };
  const context = { values: compilation.values, ref, presence, keys };
  const inner = node.select.flatMap((term) => (term.kind === 'embed' && term.embed.isInner ? presence(term.embed) : []));
  const asked = [...node.where.map((condition) => compileCondition(condition, context)), ...inner].map((sql) => `  and ${sql}`);
  return [...ownRowLines(compilation, node.entity, ref), ...asked];
}

/** What a term of the order sorts by. */
export function orderValue(compilation: Compilation, { embed, value }: OrderTerm, ref: string): string {
  if (embed === null) return compileValue(value, ref, compilation.values);
  const alias = nextAlias(compilation);
  const lines = [
    `select ${compileValue(value, `${alias}.`, compilation.values)}`,
    ...sourceLines(compilation, embed, alias, ref),
  ];
  return subquery(lines);
}

export function orderModifiers({ descending, nulls }: OrderTerm): string {
  return `${descending ? ' desc' : ''}${nulls ? ` nulls ${nulls}` : ''}`;
}

/** The columns that cells and the order of a node are made of. */
export function columnsBehind(cells: readonly Cell[], order: readonly OrderTerm[]): string[] {
  const columns = cells.flatMap((cell): string[] => {
    if (cell.kind === 'column') return [cell.column];
    if (cell.kind === 'sealed') return ['id', cell.column];
    if (cell.kind === 'embed') return [cell.embed.relationship.near];
    const field = fieldBehind(cell.value);
    return field ? [field.column] : [];
  });
  const sorted = order.flatMap(({ embed, value }) => {
    const field = embed === null ? fieldBehind(value) : null;
    return field ? [field.column] : [];
  });
  return [...new Set([...columns, ...sorted])];
}

/** A row is an array of texts, which the writer of the node reads as it reads rows of the statement itself. */
function embedSql(compilation: Compilation, embed: Embed, writer: ReadWriter, outer: string): string {
  const alias = nextAlias(compilation);
  if (embed.node.isGrouped) return groupsSql(compilation, embed, writer, alias, outer);
  if (!embed.relationship.isToMany) {
    const row = arrayOf(writer.cells.map((cell) => cellSql(compilation, cell, `${alias}.`)));
    return subquery([`select to_json(${row})`, ...sourceLines(compilation, embed, alias, outer)]);
  }
  return rowsSql(compilation, embed, writer, alias, outer);
}

function rowsSql(compilation: Compilation, embed: Embed, { cells }: ReadWriter, alias: string, outer: string): string {
  const { node } = embed;
  const ref = `${alias}.`;
  const sorted = node.order.map((term, index) => {
    return { term, name: sortName(index), sql: orderValue(compilation, term, ref) };
  });
  const rows = [
    `select ${[...columnsBehind(cells, []).map((column) => ref + quoteIdent(column)), ...sorted.map(({ name, sql }) => `${sql} as ${name}`)].join(', ')}`,
    ...sourceLines(compilation, embed, alias, outer),
    `order by ${sorted.map(({ term, name }) => name + orderModifiers(term)).join(', ')}`,
    ...pageLines(compilation, node),
  ];
  const row = arrayOf(cells.map((cell) => cellSql(compilation, cell, ref)));
  const order = sorted.map(({ term, name }) => `${ref}${name}${orderModifiers(term)}`).join(', ');
  return subquery([
    `select coalesce(json_agg(${row} order by ${order}), '[]')`,
    'from (',
    ...rows.map(indented),
    `) as ${alias}`,
  ]);
}

function groupsSql(compilation: Compilation, embed: Embed, { cells }: ReadWriter, alias: string, outer: string): string {
  const names = cells.map((_, index) => `${alias}_${index}`);
  const groups = groupLines(compilation, embed.node, cells, {
    names,
    ref: `${alias}.`,
    source: sourceLines(compilation, embed, alias, outer),
  });
  const row = arrayOf(names.map((name) => `${alias}.${name}`));
  const json = embed.relationship.isToMany ? `coalesce(json_agg(${row}), '[]')` : `to_json(${row})`;
  return subquery([`select ${json}`, 'from (', ...groups.map(indented), `) as ${alias}`]);
}

export interface Grouping {
  /** Of the cells, aligned with them. */
  readonly names: readonly string[];
  readonly ref: string;
  /** `from` and `where`. */
  readonly source: readonly string[];
  /** Without it, all groups. */
  readonly isWhole?: true;
}

/** One row for each group, or for all rows when nothing groups them. */
export function groupLines(compilation: Compilation, node: ReadNode, cells: readonly Cell[], grouping: Grouping): string[] {
  const { names, ref, source, isWhole } = grouping;
  const selected = cells.map(
    (cell, index) => `${cellSql(compilation, cell, ref)}${cell.kind === 'embed' ? '::text' : ''} as ${names[index]}`,
  );
  const lines = [`select ${selected.join(', ')}`, ...source];
  const keys = cells.flatMap((cell, index) => (isKey(cell) ? String(index + 1) : []));
  if (keys.length > 0) lines.push(`group by ${keys.join(', ')}`);
  if (isWhole) return lines;
  if (node.order.length > 0) {
    lines.push(`order by ${node.order.map((term) => `${groupPosition(cells, term) + 1}${orderModifiers(term)}`).join(', ')}`);
  }
  return [...lines, ...pageLines(compilation, node)];
}

/** Which cell the groups are sorted by: the order of groups is over what is selected. */
export function groupPosition(cells: readonly Cell[], { value }: OrderTerm): number {
  return cells.findIndex((cell) => cell.kind === 'value' && cell.value === value);
}

function isKey(cell: Cell): boolean {
  return cell.kind !== 'value' || !cell.isAggregated;
}

export function pageLines({ values }: Compilation, { limit, offset }: ReadNode): string[] {
  return [`limit $${values.push(String(limit))}::bigint`, `offset $${values.push(String(offset))}::bigint`];
}

function existsSql(compilation: Compilation, embed: Embed, outer: string): string {
  const alias = nextAlias(compilation);
  return `exists ${subquery(['select', ...sourceLines(compilation, embed, alias, outer)])}`;
}

/** `from` and `where` of an embedded node, seen from the row that `outer` stands for. */
function sourceLines(compilation: Compilation, { relationship, node }: Embed, alias: string, outer: string): string[] {
  const { near, far, through } = relationship;
  const own = `${alias}.${quoteIdent(far)}`;
  const parent = outer + quoteIdent(near);
  let joined = `  and ${own} = ${parent}`;
  if (through) {
    const link = nextAlias(compilation);
    joined = `  and ${own} in ${subquery([
      `select ${link}.${quoteIdent(through.far)}`,
      `from ${rowsOf(compilation, through.entity, link)}`,
      `where ${link}.tenant_id = $1`,
      `  and ${link}.${quoteIdent(through.near)} = ${parent}`,
      ...ownRowLines(compilation, through.entity, `${link}.`),
    ])}`;
  }
  return [
    ...`from ${rowsOf(compilation, node.entity, alias)}`.split('\n'),
    `where ${alias}.tenant_id = $1`,
    ...joined.split('\n'),
    ...conditionLines(compilation, node, `${alias}.`).flatMap((line) => line.split('\n')),
  ];
}

/** Of what is computed to sort by. No column of an entity is called so. */
export function sortName(index: number): string {
  return quoteIdent(`~sort${index}`);
}

function nextAlias(compilation: Compilation): string {
  compilation.aliases++;
  return `r${compilation.aliases}`;
}

function arrayOf(cells: readonly string[]): string {
  return `array[${cells.map((sql) => `${sql}::text`).join(', ')}]`;
}

function subquery(lines: readonly string[]): string {
  return ['(', ...lines.flatMap((line) => line.split('\n')).map(indented), ')'].join('\n');
}

export function indented(line: string): string {
  return `  ${line}`;
}

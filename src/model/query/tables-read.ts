import { rowColumnsOf } from '../access/row-rule-sql.js';
import { type Entity, EXTRA_COLUMN } from '../entity.js';
import type { Condition, Embed, ReadNode, Value } from './ast.js';
import { fieldBehind } from './compile-value.js';

/** An entity whose records a query reads, and which of their columns it looks at, for whatever purpose. */
export interface TableRead {
  readonly entity: Entity;
  readonly columns: Set<string>;
  /** Reached by a relation, not only as the entity that is asked for. */
  isRelated: boolean;
}

/** By the names of the entities. */
export function tablesRead(query: ReadNode): ReadonlyMap<string, TableRead> {
  const found = new Map<string, TableRead>();
  const tableOf = (entity: Entity, isRelated = true): TableRead => {
    const known = found.get(entity.name) ?? { entity, columns: columnsOfRows(entity), isRelated };
    known.isRelated ||= isRelated;
    found.set(entity.name, known);
    return known;
  };

  function visitNode({ entity, select, where, order }: ReadNode): void {
    const { columns } = tableOf(entity, false);
    const see = (value: Value): void => {
      const field = fieldBehind(value);
      if (field) columns.add(field.column);
    };
    for (const term of select) {
      if (term.kind === 'value') see(term.value);
      else if (term.kind === 'embed') visitEmbed(term.embed, columns);
      else for (const { column } of entity.properties) columns.add(column);
      if (term.kind === 'all') columns.add(EXTRA_COLUMN);
    }
    for (const condition of where) visitCondition(condition, columns, see);
    for (const { embed, value } of order) {
      if (embed === null) see(value);
      else tableOf(embed.node.entity).columns.add(fieldBehind(value)?.column ?? 'id');
    }
  }

  function visitCondition(condition: Condition, columns: Set<string>, see: (value: Value) => void): void {
    if (condition.kind === 'present') visitEmbed(condition.embed, columns);
    else if ('terms' in condition) {
      for (const term of condition.terms) visitCondition(term, columns, see);
    } else see(condition.value);
  }

  function visitEmbed({ relationship: { near, far, through }, node }: Embed, columns: Set<string>): void {
    columns.add(near);
    if (through) tableOf(through.entity).columns.add(through.near).add(through.far);
    tableOf(node.entity).columns.add(far);
    visitNode(node);
  }

  visitNode(query);
  return found;
}

/** Those that tell which rows are the caller's. */
function columnsOfRows({ rows }: Entity): Set<string> {
  return new Set(rowColumnsOf(rows?.read).map(({ column }) => column));
}

import { parameterSql, rowColumnsOf, rowRuleSql } from '../access/row-rule-sql.js';
import type { RowColumn, RowRule } from '../entity.js';
import { nullableArrayLiteral } from '../query/array-literal.js';
import { quoteIdent, type Statement } from '../sql.js';

/** No column of an entity is called so. */
const ORDINAL = quoteIdent('~ordinal');

/** The columns that a rule looks at, each once. */
export function columnsAsked(rule: RowRule): readonly RowColumn[] {
  return [...new Map(rowColumnsOf(rule).map((column) => [column.column, column])).values()];
}

/**
 * Which records a rule holds for that are in no table of today: Postgres compares their values as it does those of rows. Returns their
 * places from 1.
 * @param records texts of the columns that the rule asks for, one at least, in their order
 */
export function ownKeptStatement(rule: RowRule, records: readonly (readonly (string | null)[])[]): Statement {
  const columns = columnsAsked(rule);
  const values: (string | null)[] = columns.map((_, index) => nullableArrayLiteral(records, (texts) => texts[index] ?? null));
  const text = `select kept.${ORDINAL}
from unnest(${columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')})
  with ordinality as kept (${[...columns.map(({ column }) => quoteIdent(column)), ORDINAL].join(', ')})
where ${rowRuleSql(rule, 'kept.', parameterSql(values))}`;
  return { text, values };
}

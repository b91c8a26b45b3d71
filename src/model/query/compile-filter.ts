/**
 * Conditions into SQL. Values become parameters with an explicit cast, so no type is ever guessed; a list is one array
 * parameter, so the text does not vary with its length. Used by `list-statement.ts`.
 */

import { quoteIdent } from '../sql.js';
import { arrayLiteral } from './array-literal.js';
import type { ComparisonOperator, Condition, Group, TestName } from './ast.js';

const OPERATOR: Record<ComparisonOperator, string> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'like',
  ilike: 'ilike',
};

const TEST: Record<TestName, string> = {
  null: 'is null',
  not_null: 'is not null',
  true: 'is true',
  false: 'is false',
  unknown: 'is unknown',
};

/** The SQL of one condition, safe beside `and`; its values are appended to `values`. NULLs match as SQL says: never by `<>`. */
export function compileCondition(condition: Condition, values: (string | null)[]): string {
  const sql = unnegated(condition, values);
  if (condition.not) return `not (${sql})`;
  return isGroup(condition) && condition.terms.length > 1 ? `(${sql})` : sql;
}

function unnegated(condition: Condition, values: (string | null)[]): string {
  if (isGroup(condition)) return condition.terms.map((term) => compileCondition(term, values)).join(` ${condition.kind} `);
  const { column, type } = condition.field;
  switch (condition.kind) {
    case 'compare':
      return `${quoteIdent(column)} ${OPERATOR[condition.operator]} $${values.push(condition.value)}::${type}`;
    case 'in':
      return `${quoteIdent(column)} = any($${values.push(arrayLiteral(condition.values))}::${type}[])`;
    case 'is':
      return `${quoteIdent(column)} ${TEST[condition.test]}`;
  }
}

function isGroup(condition: Condition): condition is Group {
  return condition.kind === 'and' || condition.kind === 'or';
}

/** A row rule as a condition in SQL: the same text for a policy and for a statement, but for what stands for its operands. */

import type { Entity, RoleRules, RowColumn, RowOperand, RowOperator, RowRule, RowTerm } from '../entity.js';
import { arrayLiteral } from '../query/array-literal.js';
import { quoteIdent } from '../sql.js';

const OPERATOR: Record<RowOperator, string> = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** SQL of an operand, with its type: a value, or with `isList` an array of them. */
export type OperandSql = (operand: RowOperand, type: RowColumn['type'], isList: boolean) => string;

/** Safe beside `and` and `or`. @param ref what stands before the columns: empty, or the alias of their table and a dot */
export function rowRuleSql(rule: RowRule, ref: string, operandSql: OperandSql): string {
  if (typeof rule === 'boolean') return String(rule);
  const column = (of: RowColumn): string => ref + quoteIdent(of.column);
  switch (rule.kind) {
    case 'and':
    case 'or':
      return `(${rule.terms.map((term) => rowRuleSql(term, ref, operandSql)).join(` ${rule.kind} `)})`;
    case 'not':
      return `not (${rowRuleSql(rule.term, ref, operandSql)})`;
    case 'compare':
      return `${column(rule.column)} ${OPERATOR[rule.operator]} ${operandSql(rule.operand, rule.column.type, false)}`;
    case 'in':
      return `${column(rule.column)} = any(${operandSql(rule.operand, rule.column.type, true)})`;
    case 'is':
      return `${column(rule.column)} is ${rule.test === 'null' ? 'null' : 'not null'}`;
  }
}

/**
 * For a statement: values travel as parameters, and what is unknown as a typed NULL.
 * @param before parameters that stand before those in `values`
 */
export function parameterSql(values: (string | null)[], before = 0): OperandSql {
  return (operand, type, isList) => {
    if ('claim' in operand) throw new Error('a statement is made of what claims say, not of their names');
    const text = textOf(operand);
    return `${text === null ? 'null' : `$${before + values.push(text)}`}::${type}${isList ? '[]' : ''}`;
  };
}

/** What a condition of a statement ends with so that it finds rows that the caller may write; empty where it may write all. */
export function writableRows(
  { rows }: Entity,
  ref: string,
  before: number,
): { readonly sql: string; readonly values: (string | null)[] } {
  const values: (string | null)[] = [];
  if (rows === undefined || rows.write === true) return { sql: '', values };
  return { sql: `\n  and ${rowRuleSql(rows.write, ref, parameterSql(values, before))}`, values };
}

/** Of an array as Postgres reads it. */
export function textOf(operand: Exclude<RowOperand, { claim: string }>): string | null {
  if ('value' in operand) return operand.value;
  return operand.values === null ? null : arrayLiteral(operand.values);
}

/** Every column that the rule looks at. */
export function rowColumnsOf(rule: RowRule | undefined): RowColumn[] {
  if (rule === undefined || typeof rule === 'boolean') return [];
  if (rule.kind === 'not') return rowColumnsOf(rule.term);
  return 'terms' in rule ? rule.terms.flatMap(rowColumnsOf) : [rule.column];
}

/** The same rules about other columns. */
export function withColumns(rules: readonly RoleRules[], columnOf: (column: RowColumn) => RowColumn): RoleRules[] {
  const ruleOf = (rule: RowRule): RowRule => (typeof rule === 'boolean' ? rule : termOf(rule));
  const termOf = (term: RowTerm): RowTerm => {
    if (term.kind === 'not') return { ...term, term: termOf(term.term) };
    return 'terms' in term ? { ...term, terms: term.terms.map(termOf) } : { ...term, column: columnOf(term.column) };
  };
  return rules.map(({ role, read, write }) => ({
    role,
    ...(read === undefined ? {} : { read: ruleOf(read) }),
    ...(write === undefined ? {} : { write: ruleOf(write) }),
  }));
}

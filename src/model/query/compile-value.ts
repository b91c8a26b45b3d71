import { tagSql } from '../sealed/tag-sql.js';
import { quoteIdent } from '../sql.js';
import type { Field, Value } from './ast.js';

/** The parameters of one statement, in the order of their numbers. */
export type Parameters = (string | null)[];

/** A value in SQL. @param ref what stands before its columns: empty, or the alias of their table and a dot. */
export function compileValue(value: Value, ref: string, values: Parameters): string {
  switch (value.kind) {
    case 'field':
      return ref + quoteIdent(value.field.column);
    case 'path': {
      const last = value.steps.length - 1;
      const steps = value.steps.map((step, index) => {
        const arrow = index === last && value.type === 'text' ? '->>' : '->';
        return ` ${arrow} $${values.push(String(step))}::${typeof step === 'number' ? 'integer' : 'text'}`;
      });
      return `(${compileValue(value.of, ref, values)}${steps.join('')})`;
    }
    case 'tag':
      return tagSql(value.of.field.column, value.slot, ref);
    case 'cast':
      return `${compileValue(value.of, ref, values)}::${value.to}`;
    case 'aggregate':
      return value.of === null ? 'count(*)' : `${value.name}(${compileValue(value.of, ref, values)})`;
  }
}

/** The stored field that a value is read from; null of `count()`. */
export function fieldBehind(value: Value): Field | null {
  if (value.kind === 'field') return value.field;
  return value.of === null ? null : fieldBehind(value.of);
}

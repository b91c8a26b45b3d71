/**
 * Conditions into SQL. Values become parameters with an explicit cast, so no type is ever guessed; a list is one array
 * parameter, so the text does not vary with its length. Used by `compile-node.ts`.
 */

import { arrayLiteral } from './array-literal.js';
import type { ComparisonOperator, Condition, Embed, Group, RangeOperator, SearchOperator, TestName, ValueType } from './ast.js';
import { compileValue, type Parameters } from './compile-value.js';

const OPERATOR: Record<ComparisonOperator, string> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'like',
  ilike: 'ilike',
  match: '~',
  imatch: '~*',
  isdistinct: 'is distinct from',
};

const TEST: Record<TestName, string> = {
  null: 'is null',
  not_null: 'is not null',
  true: 'is true',
  false: 'is false',
  unknown: 'is unknown',
};

const SEARCH: Record<SearchOperator, string> = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
};

const RANGE: Record<RangeOperator, string> = {
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxl: '&>',
  nxr: '&<',
  adj: '-|-',
};

export interface Conditions {
  readonly values: Parameters;
  /** Stands before the columns: empty, or the alias of their table and a dot. */
  readonly ref: string;
  /** The SQL that says whether an embed has any record. */
  readonly presence: (embed: Embed) => string;
  /** Something encrypted is looked for, under the keys of this epoch. */
  readonly keys: (epoch: number) => void;
}

/** The SQL of one condition, safe beside `and`. NULLs match as SQL says: never by `<>`. */
export function compileCondition(condition: Condition, context: Conditions): string {
  const sql = unnegated(condition, context);
  if (condition.not) return `not (${sql})`;
  return isGroup(condition) && condition.terms.length > 1 ? `(${sql})` : sql;
}

function unnegated(condition: Condition, context: Conditions): string {
  if (isGroup(condition)) return condition.terms.map((term) => compileCondition(term, context)).join(` ${condition.kind} `);
  if (condition.kind === 'present') return context.presence(condition.embed);
  const { values, ref } = context;
  if (condition.value.kind === 'tag') context.keys(condition.value.epoch);
  const value = compileValue(condition.value, ref, values);
  const type = sqlType(condition.value.type);
  const parameter = (text: string, as: string): string => `$${values.push(text)}::${as}`;
  switch (condition.kind) {
    case 'compare':
      return `${value} ${OPERATOR[condition.operator]} ${parameter(condition.operand, type)}`;
    case 'quantified': {
      const list = parameter(arrayLiteral(condition.operands), `${type}[]`);
      return `${value} ${OPERATOR[condition.operator]} ${condition.quantifier}(${list})`;
    }
    case 'in':
      return `${value} = any(${parameter(arrayLiteral(condition.operands), `${type}[]`)})`;
    case 'is':
      return `${value} ${TEST[condition.test]}`;
    case 'search': {
      const language = condition.language === null ? '' : `${parameter(condition.language, 'regconfig')}, `;
      const vector = `to_tsvector(${language}${value})`;
      return `${vector} @@ ${SEARCH[condition.operator]}(${language}${parameter(condition.text, 'text')})`;
    }
    case 'contain':
      if (condition.operator !== 'ov') {
        return `${value} ${condition.operator === 'cs' ? '@>' : '<@'} ${parameter(condition.operand, 'jsonb')}`;
      }
      // CASE, because nothing keeps a condition beside it from being tried later.
      return `case when jsonb_typeof(${value}) = 'array' then exists (
    select from jsonb_array_elements(${value}) as element
    where element in (select jsonb_array_elements(${parameter(condition.operand, 'jsonb')}))
  ) else false end`;
    case 'range':
      return `${value} ${RANGE[condition.operator]} ${parameter(condition.operand, condition.operandType)}`;
  }
}

/** Filters are over what is stored, which has no wider numbers than numeric. */
export function sqlType(type: ValueType): string {
  return type === 'number' ? 'numeric' : type;
}

function isGroup(condition: Condition): condition is Group {
  return condition.kind === 'and' || condition.kind === 'or';
}

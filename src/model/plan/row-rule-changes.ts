import { isDeepStrictEqual } from 'node:util';
import { rowColumnsOf } from '../access/row-rule-sql.js';
import type { RoleRules, RowColumn } from '../entity.js';
import { changesType, formerProperty, type Transition } from './transition.js';

/**
 * Whether the policies of row rules have to be made anew: where they say something else, or look at a column that becomes another.
 * Names of the table and of columns follow by themselves.
 */
export function changesRowRules(t: Transition): boolean {
  const { renamed, after } = t;
  if (!renamed.rowRules && !after.rowRules) return false;
  return (
    !isDeepStrictEqual(renamed.rowRules, after.rowRules) || columnsOf(after.rowRules ?? []).some((each) => isRetyped(t, each))
  );
}

function columnsOf(rules: readonly RoleRules[]): RowColumn[] {
  return rules.flatMap(({ read, write }) => [...rowColumnsOf(read), ...rowColumnsOf(write)]);
}

function isRetyped(t: Transition, { name }: RowColumn): boolean {
  const property = t.after.properties.find((candidate) => candidate.name === name);
  const was = property && formerProperty(t, property);
  return property !== undefined && was !== undefined && changesType(was, property);
}

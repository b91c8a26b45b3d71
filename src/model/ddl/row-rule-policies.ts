/**
 * The second lock of row rules: restrictive policies, which ask the signed context who is inside, so that a statement that forgot
 * to ask finds no more than it may. All that does not look at the row is asked in sub-selects: once per statement. The isolation
 * verifier compares the catalog with this text.
 */

import { claimSql, claimsSql } from '../access/row-rule-claim.js';
import { type RoleRows, roleRows } from '../access/row-rule-sight.js';
import { type OperandSql, rowRuleSql, textOf } from '../access/row-rule-sql.js';
import type { RoleRules, TenantHome } from '../entity.js';
import { quoteIdent, quoteLiteral } from '../sql.js';

export const ROW_RULE_POLICIES = ['row_rules_read', 'row_rules_insert', 'row_rules_update', 'row_rules_delete'] as const;

/** @param table qualified and quoted. Without rules there are none. */
export function rowRulePolicies(home: TenantHome, table: string, rowRules: readonly RoleRules[] | undefined): readonly string[] {
  if (!rowRules) return [];
  const read = usedBy(roleRows(rowRules, 'read'));
  // What may be written may be read, also when it has become another.
  const written = `${read}\n    and ${usedBy(roleRows(rowRules, 'write'))}`;
  const [select, insert, update, remove] = ROW_RULE_POLICIES;
  const policy = (name: string, command: string, conditions: readonly string[]): string =>
    [`create policy ${name} on ${table} as restrictive for ${command} to ${quoteIdent(home.role)}`, ...conditions].join('\n');
  return [
    policy(select, 'select', [`  using (${read})`]),
    policy(insert, 'insert', [`  with check (${written})`]),
    policy(update, 'update', [`  using (${written})`, `  with check (${written})`]),
    policy(remove, 'delete', [`  using (${written})`]),
  ];
}

/** Also where somebody has dropped one behind the store's back: what comes after makes it anew. */
export function dropRowRulePolicies(table: string): readonly string[] {
  return ROW_RULE_POLICIES.map((name) => `drop policy if exists ${name} on ${table}`);
}

/** Who has all rows comes first, so that nothing more is asked for them. */
function usedBy({ all, some }: RoleRows): string {
  const conditions = some.map(({ role, term }) => `${hasRole([role])} and ${rowRuleSql(term, '', operandSql)}`);
  return `(${[hasRole(all), ...conditions].join('\n    or ')})`;
}

function hasRole(roles: readonly string[]): string {
  return `(select bss.caller() -> 'roles' ?| array[${roles.map(quoteLiteral).join(', ')}])`;
}

const operandSql: OperandSql = (operand, type, isList) => {
  if ('claim' in operand) return isList ? claimsSql(operand.claim, type) : claimSql(operand.claim, type);
  const text = textOf(operand);
  return `${text === null ? 'null' : quoteLiteral(text)}::${type}${isList ? '[]' : ''}`;
};

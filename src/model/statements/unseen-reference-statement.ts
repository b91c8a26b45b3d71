import { parameterSql, rowRuleSql } from '../access/row-rule-sql.js';
import { qualified } from '../ddl/table-ref.js';
import { type Property, type SeenTarget, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { arrayLiteral } from '../query/array-literal.js';
import { quoteIdent, type Statement } from '../sql.js';

/** One row, if one of the keys is of no record that the caller may see: whether there is one is not told apart. */
export function unseenReferenceStatement(
  home: TenantHome,
  { type }: Property,
  { table, column, rows }: SeenTarget,
  keys: readonly string[],
): Statement {
  const values: (string | null)[] = [home.tenantId, arrayLiteral(keys)];
  // The bare type: numeric(10,2) would round a key of more digits to one that it is not.
  const text = `select
from unnest($2::${type}[]) as sent (key)
where not exists (
  select
  from ${qualified(home, table)} as target
  where target.${TENANT_COLUMN} = $1::uuid
    and target.${quoteIdent(column)} = sent.key
    and ${rowRuleSql(rows, 'target.', parameterSql(values))}
)
limit 1`;
  return { text, values };
}

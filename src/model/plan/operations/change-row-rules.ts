import { dropRowRulePolicies, rowRulePolicies } from '../../ddl/row-rule-policies.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Operation, Step } from '../operation.js';
import type { Transition } from '../transition.js';

/**
 * Other policies on the table, all at one moment: nobody sees it without those it had, or with a part of those it gets. No row is
 * touched. Also where the rules stay: Postgres gives a column that a policy names no other type.
 */
export function changeRowRules(t: Transition): Operation {
  const { before, after, home } = t;
  const catalog = { work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  return {
    kind: 'change-row-rules',
    pointer: '/rowRules',
    risk: { level: 'none', reversible: 'yes' },
    describe: () => describe(t),
    validate: () => [],
    sql: () => [
      ...(before.rowRules ? dropRowRulePolicies(tableRef(home, before)) : []).map(
        (sql): Step => ({ stage: 'drop-constraints', ...catalog, sql }),
      ),
      ...rowRulePolicies(home, tableRef(home, after), after.rowRules).map(
        (sql): Step => ({ stage: 'constraints', ...catalog, sql }),
      ),
    ],
    inverse: { kind: 'change-row-rules' },
  };
}

function describe({ before, after }: Transition): string {
  if (!after.rowRules) return 'every row may be read and written again by whoever may read and write records';
  if (!before.rowRules) return 'who may read and write which rows is restricted by the rules of the document';
  return 'who may read and write which rows is as the rules of the document say';
}

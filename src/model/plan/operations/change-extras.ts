import { tableRef } from '../../ddl/table-ref.js';
import { derivedName } from '../../names.js';
import { quoteIdent, quoteLiteral } from '../../sql.js';
import { assertNone } from '../object-steps.js';
import { type Operation, type Step, type TableSize, UNFINISHED } from '../operation.js';
import type { Transition } from '../transition.js';

/** Whether records may hold members that the document does not declare. */
export function changeExtras(t: Transition): Operation {
  const forbids = !t.after.keepsExtras;
  return {
    kind: 'change-extras',
    pointer: '/additionalProperties',
    risk: forbids
      ? { level: 'restrictive', reversible: 'yes' }
      : { level: 'none', reversible: 'partly', reason: 'records stored meanwhile may hold undeclared members' },
    describe: () => (forbids ? 'undeclared members are no longer accepted' : 'undeclared members are accepted and kept'),
    validate: () =>
      forbids
        ? [
            {
              failing: `${rest(t)} <> '{}'::jsonb`,
              message: 'a record holds undeclared members',
              wayOut: 'declare those members as properties, or remove them from the records',
            },
          ]
        : [],
    sql: (size) => (forbids ? forbidSteps(t, size) : []),
    inverse: { kind: 'change-extras' },
  };
}

/** What is left of `_extra` once its explicit nulls, and what becomes a property, are taken away. */
function rest({ before, after, renames }: Transition): string {
  const known = new Set([...before.properties, ...after.properties].map(({ name }) => name).filter((name) => !renames.has(name)));
  const names = [...known].map(quoteLiteral);
  return `coalesce(${names.length === 0 ? '_extra' : `_extra - array[${names.join(', ')}]::text[]`}, '{}'::jsonb)`;
}

/** On a large table a constraint holds writers of the old version back until the switch. */
function forbidSteps(t: Transition, { large }: TableSize): Step[] {
  if (!large) return [assertNone(t, `${rest(t)} <> '{}'::jsonb`)];
  const name = derivedName([t.before.table, 'declared'], 'check') + UNFINISHED;
  const old = tableRef(t.home, t.before);
  return [
    {
      ...{ stage: 'prepare-constraints', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' },
      sql: `alter table ${old} add constraint ${quoteIdent(name)} check (${rest(t)} = '{}'::jsonb) not valid`,
      makes: { kind: 'constraint', name },
    },
    {
      ...{ stage: 'validate', work: 'scan', as: 'owner', lock: 'SHARE UPDATE EXCLUSIVE' },
      sql: `alter table ${old} validate constraint ${quoteIdent(name)}`,
    },
    {
      ...{ stage: 'drop-constraints', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' },
      sql: `alter table ${old} drop constraint ${quoteIdent(name)}`,
    },
  ];
}

import type { Change, ChangeKind } from '../../change/change.js';
import { tableRef } from '../../ddl/table-ref.js';
import { quoteIdent } from '../../sql.js';
import type { Operation, Step, TableSize } from '../operation.js';
import { recordColumns } from '../record-reader.js';
import type { Transition } from '../transition.js';

/** Rules that only validation knows: patterns, nested schemas, conditions. Every record is read and validated. */
export function changeRules(t: Transition, change: Change): Operation {
  return {
    kind: 'change-rules',
    pointer: change.pointer,
    ...(change.property === undefined ? {} : { property: change.property }),
    risk: { level: 'restrictive', reversible: 'partly', reason: 'records stored meanwhile may break the rules that come back' },
    describe: () => (RULES.has(change.kind) ? change.message : `every record is validated, because ${change.message}`),
    validate: () => [
      {
        rules: true,
        message: 'a record is not valid under the new document',
        wayOut: 'correct those records first, or loosen the rules',
      },
    ],
    sql: (size) => readSteps(t, size),
    inverse: { kind: 'change-rules', change },
  };
}

/** Of which validation is all there is to say; of the others, an operation of its own says the rest. */
const RULES: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['checks-changed', 'validation-changed', 'schema-changed']);

/** A large table is read beforehand; with the lock in hand, only what changed since is read again. */
function readSteps(t: Transition, { large }: TableSize): Step[] {
  const common = { work: 'scan', as: 'rules', lock: 'none' } as const;
  const again: Step = { stage: 'check-rows', ...common, sql: recordsSql(t, large) };
  return large ? [{ stage: 'validate', ...common, sql: recordsSql(t, false) }, again] : [again];
}

/** A batch of records: $1 tenant, $2 last id, $3 rows a batch, and $4 the time since when, for those that changed. */
function recordsSql(t: Transition, changedOnly: boolean): string {
  return `select ${recordColumns(t).map(quoteIdent).join(', ')}
from ${tableRef(t.home, t.before)}
where tenant_id = $1::uuid
  and id > $2::uuid${changedOnly ? '\n  and updated_at >= $4::timestamptz' : ''}
order by id
limit $3::bigint`;
}

import type { SystemTx } from '../database/control-plane.js';
import { shown } from '../model/names.js';
import type { Drift } from '../model/plan/drift.js';

/** What is there for a change that is under way: expected, and gone when the change is over, one way or the other. */
export interface PreparedObject extends Pick<Drift, 'object' | 'name'> {
  /** Id of the change. */
  readonly change: string;
  /** Whose object it is, in a sentence without a full stop. */
  readonly message: string;
}

interface ChangeUnderWay {
  readonly id: string;
  readonly entity: string;
  readonly status: 'running' | 'aborting';
  /** Names of what it prepares. */
  readonly makes: readonly string[];
}

/** What each entity looks like when the objects of changes under way are told from those that a change has left behind. */
export interface Inspection {
  readonly drift: readonly Drift[];
  readonly preparing: readonly PreparedObject[];
}

/** By entity. Asks for changes only where something unfinished was found. To be run inside the tenant. */
export async function withoutPrepared(
  tx: SystemTx,
  tenantId: string,
  found: ReadonlyMap<string, readonly Drift[]>,
): Promise<Map<string, Inspection>> {
  const isUnfinished = ({ kind }: Drift): boolean => kind === 'unfinished';
  const isAny = [...found.values()].some((drifts) => drifts.some(isUnfinished));
  const changes = isAny ? await changesUnderWay(tx, tenantId) : [];
  return new Map(
    [...found].map(([entity, drifts]) => {
      const change = changes.find((each) => each.entity === entity);
      const isPrepared = (drift: Drift): boolean => isUnfinished(drift) && change?.makes.includes(drift.name) === true;
      const preparing = drifts.filter(isPrepared).map((drift) => prepared(drift, change as ChangeUnderWay));
      return [entity, { drift: drifts.filter((drift) => !isPrepared(drift)), preparing }];
    }),
  );
}

function prepared({ object, name }: Drift, { id, status }: ChangeUnderWay): PreparedObject {
  const what = `the ${object} ${shown(name)} belongs to the change ${id}`;
  const message = status === 'running' ? `${what}, which is being prepared` : `${what}, which is being taken back`;
  return { object, name, change: id, message };
}

async function changesUnderWay(tx: SystemTx, tenantId: string): Promise<ChangeUnderWay[]> {
  return tx.run<ChangeUnderWay>({
    text: `select change_id as id, entity, status,
  array(
    select step->'makes'->>'name'
    from json_array_elements(plan->'statements') as step
    where step->'makes' is not null
  ) as makes
from business_store_service.schema_changes
where tenant_id = $1
  and status in ('running', 'aborting')`,
    values: [tenantId],
  });
}

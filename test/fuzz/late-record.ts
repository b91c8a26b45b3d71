import type { Entity, Property, Shadow } from '../../src/model/entity.js';
import { UNFINISHED } from '../../src/model/plan/operation.js';
import type { Plan } from '../../src/model/plan/plan.js';
import { formerProperty, type Transition } from '../../src/model/plan/transition.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import type { PlanExecutor } from '../harness/plan-executor.js';
import { deleteRecord, insertRecord, type Records, readRecords, replaceRecord } from '../harness/record-table.js';
import { idOf } from './record-choices.js';

/** A record that a writer of the old version stores after a change was planned, and before it is switched to. */

export const LATE = idOf(8);

/** The record as it will come back; undefined when it could not be stored even without the change. */
export async function lateRecord(executor: PlanExecutor, entity: Entity, record: JsonObject): Promise<JsonObject | undefined> {
  const isStored = await accepts(() => insertRecord(executor, entity, LATE, record));
  if (!isStored) return undefined;
  const stored = (await readRecords(executor, entity)).get(LATE);
  await deleteRecord(executor, entity, LATE);
  return stored;
}

/** Whether what is prepared lets the writer have its way. */
export async function writeMeanwhile(executor: PlanExecutor, t: Transition, plan: Plan, record: JsonObject): Promise<boolean> {
  return accepts(() => insertRecord(executor, writersEntity(t, plan), LATE, record));
}

/** The records that may not be written again as they are, while all that is prepared are columns and what guards them. */
export async function refusedAgain(executor: PlanExecutor, t: Transition, plan: Plan, records: Records): Promise<string[]> {
  const refused: string[] = [];
  for (const [id, content] of records) {
    if (!(await accepts(() => replaceRecord(executor, writersEntity(t, plan), id, content)))) refused.push(id);
  }
  return refused;
}

/** With second columns, which writers keep in step. */
function writersEntity(t: Transition, plan: Plan): Entity {
  const made = new Set(plan.statements.flatMap(({ makes }) => (makes?.kind === 'column' ? [makes.name] : [])));
  const shadows = t.after.properties.flatMap((property): Shadow[] => {
    const column = `${property.column}${UNFINISHED}`;
    const was = formerProperty(t, property);
    if (!was || !made.has(column)) return [];
    const { type, precision, scale } = property;
    return [{ property: was.name, column, type, precision, scale }];
  });
  return { ...t.before, shadows };
}

async function accepts(insert: () => Promise<void>): Promise<boolean> {
  return insert().then(
    () => true,
    (error: { code?: string }) => {
      if (!error.code?.startsWith('23')) throw error;
      return false;
    },
  );
}

/** While a default is brought to records that lack it, nobody may leave it out again. */
export function leavesOutDefault(t: Transition, record: JsonObject): boolean {
  return t.after.properties.some((property: Property) => {
    const was = formerProperty(t, property);
    if (!was || was.required || !property.required || property.default === undefined) return false;
    return !Object.hasOwn(record, was.name);
  });
}

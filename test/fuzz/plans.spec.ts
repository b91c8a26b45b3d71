/** The promise of a plan: it names exactly the rows that stand in its way, or it makes the table that the document describes. */

import fc from 'fast-check';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { TenantHome } from '../../src/model/entity.js';
import { swapped } from '../../src/model/plan/swapped.js';
import { transition } from '../../src/model/plan/transition.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { PlanExecutor } from '../harness/plan-executor.js';
import { deleteRecord, insertRecord, readRecords } from '../harness/record-table.js';
import { describeTable } from '../harness/table-catalog.js';
import { createHomes } from '../harness/tenants.js';
import { type Edit, EMPTY, edited, edits, firstEdits, type NamedDocument } from './document-edits.js';
import { entity, record } from './entity-arbitrary.js';
import { LATE, lateRecord, leavesOutDefault, refusedAgain, writeMeanwhile } from './late-record.js';
import { futureOf } from './plan-oracle.js';
import { expectSameWayBack, type Planned, PlanTrial, type ReadVersion, readVersion, resolve } from './plan-trial.js';
import { choices, idOf, recordOf } from './record-choices.js';

let database: TestDatabase;
let controlPlane: ControlPlane;
let trial: PlanTrial;
let executors: readonly PlanExecutor[];

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  const homes = await createHomes(controlPlane, 2);
  executors = await Promise.all(homes.map((home: TenantHome) => PlanExecutor.connect(database, home)));
  trial = new PlanTrial(...(executors as [PlanExecutor, PlanExecutor]));
  await trial.begin();
});

afterAll(async () => {
  await turn;
  await Promise.all(executors.map((executor) => executor.end()));
  await controlPlane.close();
  await database.drop();
});

interface Case {
  readonly old: NamedDocument;
  readonly changes: readonly Edit[];
  /** All but the last are stored before the change, that one while it is prepared. */
  records(version: ReadVersion): readonly (JsonObject | undefined)[];
  /** Whether the table passes for a large one. */
  readonly large: boolean;
}

/** Of values that convert, keep rules and are alike more often than not. */
const likely: fc.Arbitrary<Case> = fc
  .record({ first: firstEdits, changes: edits(1, 5), chosen: choices, large: fc.boolean() })
  .map(({ first, changes, chosen, large }) => ({
    ...{ old: edited({ name: 'thing', document: EMPTY }, first, resolve), changes, large },
    records: ({ entity, validator }: ReadVersion) => chosen.map((_, i) => recordOf(entity, validator, chosen, i)),
  }));

/** Of any values that a document over all types admits. */
const anything: fc.Arbitrary<Case> = entity.chain((generated) =>
  fc
    .record({ changes: edits(1, 3), records: fc.array(record(generated), { maxLength: 4 }), large: fc.boolean() })
    .map(({ changes, records, large }) => ({
      ...{ old: { name: 'thing', document: generated.document }, changes, large },
      records: () => records,
    })),
);

const outcomes = { refused: 0, applied: 0, restored: 0, again: 0, lateAndWelcome: 0, lateAndFound: 0, lateAndRefused: 0 };

/** A case that time has run out for goes on all the same: the next one, of the next property too, waits for its end. */
let turn: Promise<void> = Promise.resolve();

function checkInTurn(each: Case): Promise<void> {
  const checked = turn.then(() => check(each));
  turn = checked.catch(() => {});
  return checked;
}

async function check({ old, changes, records, large }: Case): Promise<void> {
  const next = edited(old, changes, resolve);
  const [before, after] = [readVersion(old), readVersion(next)];
  const log: string[] = [];
  try {
    await trial.define(before);
    const [last, ...others] = [...records(before)].reverse();
    await store(before, others);
    await thereAndBack(before, after, last, large, log);
  } catch (error) {
    const stored = await readRecords(trial.lived, before.entity).catch(() => new Map<string, JsonObject>());
    const lines = [
      `from ${JSON.stringify(old)}`,
      `to   ${JSON.stringify(next)}`,
      ...[...stored].map((each) => JSON.stringify(each)),
    ];
    throw new Error([(error as Error).message, ...lines, ...log].join('\n'), { cause: error });
  } finally {
    await trial.forget(before.entity, after.entity);
  }
}

/** What breaks a key of the document is not stored. */
async function store({ entity, validator }: ReadVersion, records: readonly (JsonObject | undefined)[]): Promise<void> {
  for (const [i, content] of records.entries()) {
    if (!content) continue;
    await insertRecord(trial.lived, entity, idOf(i), content).catch((error: { code?: string }) => {
      if (error.code !== '23505' && error.code !== '23503') throw error;
    });
  }
  // A rule that only another spelling of the value satisfies, such as an enum of decimals, says nothing about plans.
  for (const [id, content] of await readRecords(trial.lived, entity)) {
    if (validator.validate(content).length > 0) await deleteRecord(trial.lived, entity, id);
  }
}

async function thereAndBack(
  before: ReadVersion,
  after: ReadVersion,
  last: JsonObject | undefined,
  large: boolean,
  log: string[],
): Promise<void> {
  const { lived } = trial;
  const noted = (what: string, planned: Planned): Planned => {
    log.push(what, ...planned.plan.statements.map(({ as, sql }) => `${as}: ${sql}`));
    return planned;
  };
  const records = await readRecords(lived, before.entity);
  const catalog = await describeTable(lived, before.entity.table);
  const start = { home: lived.home, before: before.entity, after: after.entity, resolve, version: 2 };
  const there = noted('there', await trial.plan(transition(start), after, large));
  expectSameWayBack(there);
  await trial.expectExactFailures(there, records, after);
  if (there.failing) {
    outcomes.refused++;
    return trial.expectRefusal(there, records, after);
  }

  const late = last && (await lateRecord(lived, before.entity, last));
  const judged = late && before.validator.validate(late).length === 0 ? late : undefined;
  await lived.prepare(there.t, there.plan.statements, after.validator, async () => {
    const refused = await refusedAgain(lived, there.t, there.plan, records);
    expect(refused.filter((id) => !leavesOutDefault(there.t, records.get(id) as JsonObject))).toEqual([]);
  });
  const isWritten = judged !== undefined && (await writeMeanwhile(lived, there.t, there.plan, judged));
  const all = isWritten ? new Map([...records, [LATE, judged]]) : records;
  const failure = await lived.switchOver(there.t, there.plan.statements, after.validator).then(
    () => undefined,
    (error: Error) => error,
  );
  if (judged) await expectFairly(there, new Map([...records, [LATE, judged]]), after, isWritten, failure);
  else if (failure) throw failure;
  if (failure) return;
  outcomes.applied++;
  await trial.expectTable(after, futureOf(there.t, all));

  const { reversible } = there.plan.inverse;
  const wayBack = swapped(there.t);
  expect(wayBack.guards).toEqual(await trial.guardsOf(after.entity.table));
  const back = noted(`back, reversible: ${reversible}`, await trial.plan(wayBack, before, large));
  if (back.failing && reversible !== 'yes') return;
  expect(back.plan.operations.flatMap(({ failing }) => failing)).toEqual([]);
  await lived.execute(back.t, back.plan.statements, before.validator);
  expect(await describeTable(lived, before.entity.table)).toEqual(catalog);
  if (reversible !== 'yes') return;
  await trial.expectTable(before, all);
  outcomes.restored++;

  // With what the two have left behind.
  const again = noted('again', await trial.plan(transition({ ...start, version: 4 }), after, large));
  expect(again.failing).toBe(false);
  await lived.execute(again.t, again.plan.statements, after.validator);
  await trial.expectTable(after, futureOf(again.t, all));
  outcomes.again++;
}

/** Only a record that stands in the way is refused, and only such a one keeps the change from happening. */
async function expectFairly(
  { t }: Planned,
  records: ReadonlyMap<string, JsonObject>,
  after: ReadVersion,
  isWritten: boolean,
  failure: Error | undefined,
): Promise<void> {
  if (await trial.standsInTheWay(t, records, after)) {
    expect({ isWritten, isSwitched: !failure }).toEqual({ isWritten, isSwitched: !isWritten });
    outcomes[isWritten ? 'lateAndFound' : 'lateAndRefused']++;
    return;
  }
  if (failure) throw failure;
  if (!isWritten && leavesOutDefault(t, records.get(LATE) as JsonObject)) return;
  expect(isWritten).toBe(true);
  outcomes.lateAndWelcome++;
}

/** Other numbers than these are for whoever looks for what these do not find. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_121);
const share = Number(process.env.FUZZ_RUNS ?? 100) / 100;

/** Twice as long as it takes on two idle cores. */
async function assertFor(cases: fc.Arbitrary<Case>, runs: number, seconds: number): Promise<void> {
  const limits = { numRuns: runs * share, interruptAfterTimeLimit: seconds * share * 1_000, endOnFailure: share > 1 };
  await fc.assert(fc.asyncProperty(cases, checkInTurn), { seed, ...limits });
}

describe('a plan between two documents', () => {
  it('refuses exactly the rows that stand in its way, or makes the table that the new one describes, and finds back', async () => {
    await assertFor(likely, 240, 60);
    const { refused, applied, restored, again, lateAndWelcome } = outcomes;
    // No part of the promise was kept idly.
    expect(Math.min(refused, applied, restored, again, lateAndWelcome)).toBeGreaterThan(0);
  }, 900_000);

  it('does so whatever the records hold', async () => {
    await assertFor(anything, 80, 20);
  }, 900_000);
});

import { compareEntities } from '../../src/model/change/compare.js';
import { addRelations, type Resolve } from '../../src/model/ddl/add-relation.js';
import { createTable } from '../../src/model/ddl/create-table.js';
import { isExtraGuard } from '../../src/model/ddl/extra-guard.js';
import { readEntity } from '../../src/model/document/read-entity.js';
import type { Entity } from '../../src/model/entity.js';
import { phaseOf } from '../../src/model/plan/operation.js';
import { type Draft, draftPlan, finishPlan, type Plan, SMALL_TABLE_ROWS } from '../../src/model/plan/plan.js';
import { swapped } from '../../src/model/plan/swapped.js';
import { type Transition } from '../../src/model/plan/transition.js';
import { quoteIdent } from '../../src/model/sql.js';
import { compileValidator, type RecordValidator } from '../../src/model/validation/validator.js';
import type { GatheredFacts, PlanExecutor } from '../harness/plan-executor.js';
import { insertRecord, type Records, readRecords } from '../harness/record-table.js';
import { describeTable } from '../harness/table-catalog.js';
import type { NamedDocument } from './document-edits.js';
import { collidingRecords, danglingRecords, futureOf, refusedRecords } from './plan-oracle.js';
import { idOf, TARGET_CODES } from './record-choices.js';

/** Two tenants: in one, tables are changed; in the other, they are made as a document says, to be compared with. */

const TARGET = readEntity('target', { type: 'object', properties: { code: { type: 'string', unique: true } } });
const TARGET_ROWS = { ids: TARGET_CODES.map((_, i) => idOf(i)), codes: TARGET_CODES };

/** There is one other entity. */
export const resolve: Resolve = (name) => (name === 'target' ? TARGET : undefined);

export interface ReadVersion {
  readonly entity: Entity;
  readonly validator: RecordValidator;
}

export function readVersion({ name, document }: NamedDocument): ReadVersion {
  const entity = readEntity(name, document);
  return { entity, validator: compileValidator(entity) };
}

export interface Planned {
  readonly t: Transition;
  readonly draft: Draft;
  readonly facts: GatheredFacts;
  readonly plan: Plan;
  /** Rows stand in its way. */
  readonly failing: boolean;
}

const ABOUT_UNIQUE = /^several records have the same /;
const ABOUT_RELATIONS = /^"[^"]*" holds a value that is the /;

export class PlanTrial {
  constructor(
    readonly lived: PlanExecutor,
    private readonly fresh: PlanExecutor,
  ) {}

  async begin(): Promise<void> {
    for (const executor of [this.lived, this.fresh]) {
      await executor.asOwner(createTable(executor.home, TARGET));
      for (const [i, code] of TARGET_CODES.entries()) await insertRecord(executor, TARGET, idOf(i), { code });
    }
  }

  async define({ entity }: ReadVersion): Promise<void> {
    const { home } = this.lived;
    await this.lived.asOwner([...createTable(home, entity), ...addRelations(home, entity, resolve)]);
  }

  async forget(...entities: readonly Entity[]): Promise<void> {
    for (const executor of [this.lived, this.fresh]) await drop(executor, ...entities.map(({ table }) => table), 'bare');
  }

  /** With the guards that the table has by now. @param large pretends that there are many rows. */
  async plan(wanted: Transition, to: ReadVersion, large: boolean): Promise<Planned> {
    const t = { ...wanted, guards: await this.guardsOf(wanted.before.table) };
    const draft = draftPlan(t, compareEntities(t.before, t.after, t.renames));
    const facts = await this.lived.facts(draft, to.validator, large ? SMALL_TABLE_ROWS + 1 : undefined);
    const plan = finishPlan(draft, facts);
    return { t, draft, facts, plan, failing: plan.operations.some((operation) => operation.failing.length > 0) };
  }

  async guardsOf(table: string): Promise<ReadonlySet<string>> {
    const rows = await this.lived.ask(
      `select conname
from pg_constraint
where conrelid = (select oid from pg_class where relnamespace = $1::regnamespace and relname = $2)`,
      [this.lived.home.schema, table],
    );
    return new Set(rows.map(([name]) => name as string).filter(isExtraGuard));
  }

  /** No false alarm and no miss. */
  async expectExactFailures(planned: Planned, records: Records, after: ReadVersion): Promise<void> {
    const { t } = planned;
    const refused = await refusedRecords(t, records, after.validator, this.fresh);
    expect(idsOf(planned, (message) => !ABOUT_UNIQUE.test(message) && !ABOUT_RELATIONS.test(message))).toEqual(refused);
    if (refused.length > 0) return;
    const future = futureOf(t, records);
    expect(idsOf(planned, (message) => ABOUT_UNIQUE.test(message))).toEqual(collidingRecords(t, future));
    expect(idsOf(planned, (message) => ABOUT_RELATIONS.test(message))).toEqual(danglingRecords(t, future, TARGET_ROWS));
  }

  async standsInTheWay(t: Transition, records: Records, after: ReadVersion): Promise<boolean> {
    if ((await refusedRecords(t, records, after.validator, this.fresh)).length > 0) return true;
    const future = futureOf(t, records);
    return collidingRecords(t, future).length > 0 || danglingRecords(t, future, TARGET_ROWS).length > 0;
  }

  /** Run in spite of what stands in its way, a plan of one transaction fails and leaves everything as it was. */
  async expectRefusal({ t, plan }: Planned, records: Records, after: ReadVersion): Promise<void> {
    if (plan.statements.some((step) => phaseOf(step) === 'prepare')) return;
    const before = await describeTable(this.lived, t.before.table);
    await expect(this.lived.execute(t, plan.statements, after.validator)).rejects.toThrow();
    expect(await describeTable(this.lived, t.before.table)).toEqual(before);
    expect(await readRecords(this.lived, t.before)).toEqual(records);
  }

  /** The table is what the document describes, and its records are these, and valid. */
  async expectTable(version: ReadVersion, records: Records): Promise<void> {
    const { entity, validator } = version;
    expect(await describeTable(this.lived, entity.table)).toEqual(await this.freshCatalog(version));
    const stored = await readRecords(this.lived, entity);
    expect(stored).toEqual(records);
    for (const content of stored.values()) expect(validator.validate(content)).toEqual([]);
  }

  private async freshCatalog({ entity }: ReadVersion): Promise<readonly string[]> {
    const { home } = this.fresh;
    await this.fresh.asOwner([...createTable(home, entity), ...addRelations(home, entity, resolve)]);
    const catalog = await describeTable(this.fresh, entity.table);
    await drop(this.fresh, entity.table);
    return catalog;
  }
}

/** The way back that a plan shows is the plan of the way back; reading records aside, which the documents decide. */
export function expectSameWayBack({ t, plan, facts }: Planned): void {
  const back = swapped(t);
  const own = finishPlan(draftPlan(back, compareEntities(back.before, back.after, back.renames)), facts);
  const work = (steps: readonly { readonly sql: string }[]) =>
    steps
      .map(({ sql }) => sql)
      .filter((sql) => !/^(select "id", "created_at"|lock table)/.test(sql))
      // What several changes fill, one update does, in whatever order.
      .map((sql) => (sql.startsWith('with batch') ? 'backfill' : sql))
      .sort();
  expect(work(plan.inverse.steps)).toEqual(work(own.steps));
}

function idsOf({ draft, facts }: Planned, which: (message: string) => boolean): string[] {
  const ids = draft.probes.flatMap(({ probe }) => (which(probe.message) ? (facts.ids.get(probe) ?? []) : []));
  return [...new Set(ids)].sort();
}

async function drop(executor: PlanExecutor, ...tables: readonly string[]): Promise<void> {
  const { schema } = executor.home;
  await executor.asOwner(tables.map((table) => `drop table if exists ${quoteIdent(schema)}.${quoteIdent(table)} cascade`));
}

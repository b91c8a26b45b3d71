import pg from 'pg';
import { type Actor, mintContextToken } from '../../src/database/context-token.js';
import { tableRef } from '../../src/model/ddl/table-ref.js';
import type { TenantHome } from '../../src/model/entity.js';
import { futureContent } from '../../src/model/plan/future-content.js';
import { type Probe, phaseOf, type Step } from '../../src/model/plan/operation.js';
import { type Draft, type Failing, type RowFacts } from '../../src/model/plan/plan.js';
import { compileRecordReader } from '../../src/model/plan/record-reader.js';
import type { Transition } from '../../src/model/plan/transition.js';
import { quoteIdent } from '../../src/model/sql.js';
import type { RecordValidator } from '../../src/model/validation/validator.js';
import type { TestDatabase } from './database.js';
import { ACTOR } from './tenants.js';

/**
 * Carries a plan out on a real tenant, as dully as can be: no locks given up, no resuming, no registry. For tests of the
 * plans themselves.
 */

export type TextRow = readonly (string | null)[];

const AS_TEXT = { getTypeParser: () => (text: string) => text };
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Small, so that a handful of rows is several batches. */
const BATCH_ROWS = '3';

/** A row stands in the way of a plan that is under way. */
export class InTheWay extends Error {}

/** A connection of the control plane's login that enters one tenant. */
export class PlanExecutor {
  private constructor(
    private readonly client: pg.Client,
    private readonly database: TestDatabase,
    readonly home: TenantHome,
    private readonly pid: number,
  ) {}

  static async connect(database: TestDatabase, home: TenantHome): Promise<PlanExecutor> {
    const client = new pg.Client({ connectionString: database.controlUrl });
    await client.connect();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    return new PlanExecutor(client, database, home, rows[0].pid);
  }

  async end(): Promise<void> {
    await this.client.end();
  }

  /** Each in one transaction with the others. */
  async asOwner(statements: readonly string[]): Promise<void> {
    await this.transaction(async () => {
      for (const sql of statements) await this.ownerRun(sql);
    });
  }

  /** As the login itself, which sees the catalog and no row. */
  async ask(text: string, values: readonly string[] = []): Promise<readonly TextRow[]> {
    const { rows } = await this.client.query({ text, values: [...values], rowMode: 'array', types: AS_TEXT });
    return rows;
  }

  /** In a transaction of its own, inside the tenant; rows as text. */
  async asTenant(text: string, values: readonly (string | null)[] = []): Promise<readonly TextRow[]> {
    return this.transaction(() => this.tenantRun(text, values));
  }

  /** Prepared steps one by one, the switch as one transaction. @throws InTheWay, or what Postgres says. */
  async execute(t: Transition, statements: readonly Step[], validator: RecordValidator): Promise<void> {
    await this.prepare(t, statements, validator);
    await this.switchOver(t, statements, validator);
  }

  /** @param begun is run when columns and what guards them are there, and nothing is filled yet. */
  async prepare(
    t: Transition,
    statements: readonly Step[],
    validator: RecordValidator,
    begun?: () => Promise<void>,
  ): Promise<void> {
    const steps = statements.filter((each) => phaseOf(each) === 'prepare');
    const isFirst = ({ stage }: Step) => stage === 'prepare-columns' || stage === 'prepare-constraints';
    for (const [i, step] of steps.entries()) {
      if (!isFirst(step) && (i === 0 || isFirst(steps[i - 1] as Step))) await begun?.();
      if (step.alone) await this.alone(step.sql);
      else if (step.stage === 'backfill') await this.backfill(step.sql);
      else await this.transaction(() => this.step(t, step, validator));
    }
  }

  async switchOver(t: Transition, statements: readonly Step[], validator: RecordValidator): Promise<void> {
    const steps = statements.filter((each) => phaseOf(each) === 'switch');
    await this.transaction(async () => {
      for (const step of steps) await this.step(t, step, validator);
    });
  }

  /** Every id, where the service would take a few. */
  async facts(draft: Draft, validator: RecordValidator, rows?: number): Promise<GatheredFacts> {
    const { transition: t, conditions, probes } = draft;
    const table = tableRef(t.home, t.before);
    const counting = ['count(*)', ...conditions.map((condition) => `count(*) filter (where ${condition})`)].join(', ');
    const [counted = []] = await this.asTenant(`select ${counting} from ${table} where tenant_id = $1`, [this.home.tenantId]);
    const [stored = 0, ...counts] = counted.map(Number);
    const ids = new Map<Probe, readonly string[]>();
    for (const { probe } of probes) ids.set(probe, await this.failingIds(t, probe, draft, validator));
    const failing = new Map<Probe, Failing>(
      [...ids].map(([probe, found]) => [probe, { rows: found.length, sample: found.slice(0, 5) }]),
    );
    const byCondition = new Map(conditions.map((condition, i) => [condition, counts[i] as number]));
    return { rows: rows ?? stored, bytes: 8_192, countMs: 1, counts: byCondition, failing, ids };
  }

  private async failingIds(t: Transition, probe: Probe, draft: Draft, validator: RecordValidator): Promise<readonly string[]> {
    const table = tableRef(t.home, t.before);
    if (probe.failing !== undefined) return firstOf(await this.asTenant(`select id from ${table} where ${probe.failing}`));
    if (probe.query !== undefined) return firstOf(await this.asTenant(probe.query));
    const small = { rows: 0, large: false };
    const reading = draft.operations.flatMap((operation) => operation.sql(small)).find(({ as }) => as === 'rules') as Step;
    return this.transaction(() => this.invalidIds(t, reading.sql, validator));
  }

  private async step(t: Transition, { as, sql }: Step, validator: RecordValidator): Promise<void> {
    if (as === 'owner') return this.ownerRun(sql);
    if (as === 'rules') return refuse(await this.invalidIds(t, sql, validator), sql);
    const rows = await this.tenantRun(sql);
    if (as === 'assert') refuse(firstOf(rows), sql);
  }

  private async invalidIds(t: Transition, sql: string, validator: RecordValidator): Promise<string[]> {
    const reader = compileRecordReader(t);
    const invalid: string[] = [];
    for (let last = FIRST_ID; ; ) {
      const since = sql.includes('$4') ? ['-infinity'] : [];
      const rows = await this.tenantRun(sql, [this.home.tenantId, last, BATCH_ROWS, ...since]);
      for (const row of rows) {
        if (validator.validate(futureContent(t, reader.read(row))).length > 0) invalid.push(row[0] as string);
      }
      if (rows.length === 0) return invalid;
      last = rows.at(-1)?.[0] as string;
    }
  }

  private async backfill(sql: string): Promise<void> {
    for (let last: string | null = FIRST_ID; last !== null; ) {
      const [row]: readonly TextRow[] = await this.asTenant(sql, [this.home.tenantId, last, BATCH_ROWS]);
      last = row?.[0] ?? null;
    }
  }

  private async alone(sql: string): Promise<void> {
    await this.client.query(`set role ${quoteIdent(this.home.ownerRole)}`);
    try {
      await this.client.query(sql);
    } finally {
      await this.client.query('reset role');
    }
  }

  private async ownerRun(sql: string): Promise<void> {
    await this.client.query(`set local role ${quoteIdent(this.home.ownerRole)}`);
    await this.client.query(sql);
    await this.client.query('set local role none');
  }

  private async tenantRun(text: string, values: readonly (string | null)[] = []): Promise<readonly TextRow[]> {
    const { tenantId, schema, role } = this.home;
    const claims = { tenantId, schema, role, actor: ACTOR satisfies Actor };
    const token = mintContextToken(this.database.contextKey, claims, this.pid, Math.floor(Date.now() / 1000) + 60);
    await this.client.query('select bss.enter($1, false)', [token]);
    const { rows } = await this.client.query({ text, values: [...values], rowMode: 'array', types: AS_TEXT });
    await this.client.query('set local role none');
    return rows;
  }

  private async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.client.query('begin');
    try {
      const result = await work();
      await this.client.query('commit');
      return result;
    } catch (error) {
      await this.client.query('rollback');
      throw error;
    }
  }
}

export interface GatheredFacts extends RowFacts {
  /** Of all rows that stand in the way. */
  readonly ids: ReadonlyMap<Probe, readonly string[]>;
}

function firstOf(rows: readonly TextRow[]): string[] {
  return rows.map(([id]) => id as string);
}

function refuse(ids: readonly string[], sql: string): void {
  if (ids.length > 0) throw new InTheWay(`${ids.join(', ')} in the way of ${sql}`);
}

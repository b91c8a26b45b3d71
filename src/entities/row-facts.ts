import { setImmediate } from 'node:timers/promises';
import type { Row } from '../database/statement-batch.js';
import { tableRef } from '../model/ddl/table-ref.js';
import { futureContent } from '../model/plan/future-content.js';
import type { Probe, Step } from '../model/plan/operation.js';
import type { Draft, Failing, RowFacts } from '../model/plan/plan.js';
import { compileRecordReader, recordColumns } from '../model/plan/record-reader.js';
import type { Transition } from '../model/plan/transition.js';
import type { Statement } from '../model/sql.js';
import type { RecordValidator } from '../model/validation/validator.js';
import type { Since } from './change-store.js';

/**
 * Asks the rows of a table what a plan must know: how many there are, how long they take to read, and which stand in the way.
 * Everything is asked inside the tenant, since nobody else sees a row.
 */

export type Ask = (statement: Statement) => Promise<readonly Row[]>;

/** Ids shown for each thing that stands in the way. */
const SAMPLE = 5;

/** Records a plan reads to try rules that only validation knows; applying reads all of them. */
const MOST_VALIDATED = 50_000;

/** Records read or filled at a time: at most so many, and about so many bytes of them. */
const BATCH_ROWS = 2_000;
const FEWEST_BATCH_ROWS = 20;
const BATCH_BYTES = 8_000_000;

/** Records validated in one turn of the event loop: some 5 ms. */
const YIELD_EVERY = 200;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** How many records are read at a time from a table of this size, so that large ones do not fill the memory. */
export function batchRows({ rows, bytes }: { readonly rows: number; readonly bytes: number }): number {
  const fit = rows === 0 ? BATCH_ROWS : Math.floor((BATCH_BYTES * rows) / Math.max(bytes, 1));
  return Math.min(BATCH_ROWS, Math.max(FEWEST_BATCH_ROWS, fit));
}

/** @param validator of the new document, for rules that no SQL can say. */
export async function gatherFacts(ask: Ask, draft: Draft, validator: RecordValidator): Promise<RowFacts> {
  const { transition: t, conditions, probes } = draft;
  const table = tableRef(t.home, t.before);
  const started = performance.now();
  const [counted] = await ask({
    text: `select ${['count(*)', ...conditions.map((condition) => `count(*) filter (where ${condition})`)].join(',\n  ')}
from ${table}
where tenant_id = $1`,
    values: [t.home.tenantId],
  });
  const countMs = performance.now() - started;
  const [sized] = await ask({ text: 'select pg_catalog.pg_total_relation_size($1::regclass)', values: [table] });
  const [rows = 0, ...counts] = (counted ?? []).map(Number);
  const bytes = Number(sized?.[0] ?? 0);
  const byCondition = new Map(conditions.map((condition, index) => [condition, counts[index] ?? 0]));
  const failing = new Map<Probe, Failing>();
  let validated: Failing | undefined;
  for (const { probe } of probes) {
    if (probe.rules) {
      const batch = batchRows({ rows, bytes });
      validated ??= await invalidRecords(ask, t, validator, recordsOf(draft), { most: MOST_VALIDATED, batch });
    }
    failing.set(probe, probe.rules ? (validated as Failing) : await failingRows(ask, t, probe, byCondition));
  }
  return { rows, bytes, countMs, counts: byCondition, failing };
}

async function failingRows(ask: Ask, t: Transition, probe: Probe, counts: ReadonlyMap<string, number>): Promise<Failing> {
  if (probe.query !== undefined) {
    const rows = await ask({
      text: `select id, count(*) over ()\nfrom (\n  ${probe.query.replaceAll('\n', '\n  ')}\n) as failing\norder by id\nlimit ${SAMPLE}`,
      values: [],
    });
    return { rows: Number(rows[0]?.[1] ?? 0), sample: rows.map(([id]) => id as string) };
  }
  const condition = probe.failing ?? 'false';
  const count = counts.get(condition) ?? 0;
  if (count === 0) return { rows: 0, sample: [] };
  const rows = await ask({
    text: `select id\nfrom ${tableRef(t.home, t.before)}\nwhere tenant_id = $1\n  and (${condition})\norder by id\nlimit ${SAMPLE}`,
    values: [t.home.tenantId],
  });
  return { rows: count, sample: rows.map(([id]) => id as string) };
}

/** The reading of records as one of the operations spells it. */
function recordsOf({ operations }: Draft): string {
  const size = { rows: 0, large: false };
  const step = operations.flatMap((operation) => operation.sql(size)).find(({ as }) => as === 'rules') as Step;
  return step.sql;
}

export interface Reading {
  /** Only records changed since, when the statement asks for it. */
  readonly since?: Since;
  /** The transition under the keys of the tenant, as they are by then. */
  readonly underKeys?: () => Promise<Transition>;
  /** Goes on behind this id. */
  readonly from?: string;
  /** Records at a time. */
  readonly batch?: number;
  /** Ends after about so many. */
  readonly most?: number;
  /** What was found so far; whoever throws ends the reading. */
  readonly onBatch?: (found: Failing & { readonly checked: number; readonly lastId: string }) => Promise<void>;
}

/** Reads records in batches and validates them as they will be. */
export async function invalidRecords(
  ask: Ask,
  t: Transition,
  validator: RecordValidator,
  sql: string,
  { since, underKeys, from = FIRST_ID, batch = BATCH_ROWS, most = Number.POSITIVE_INFINITY, onBatch }: Reading,
): Promise<Failing> {
  let reader = compileRecordReader(t);
  const idAt = recordColumns(t).indexOf('id');
  const sample: string[] = [];
  let invalid = 0;
  let checked = 0;
  for (let lastId = from; ; ) {
    const moment = since ? [...(sql.includes('$4') ? [since.time] : []), ...(sql.includes('$5') ? [since.snapshot] : [])] : [];
    const rows = await ask({ text: sql, values: [t.home.tenantId, lastId, String(batch), ...moment] });
    if (underKeys) reader = compileRecordReader(await underKeys());
    for (const row of rows) {
      if (++checked % YIELD_EVERY === 0) await setImmediate();
      if (validator.validate(futureContent(t, reader.read(row))).length === 0) continue;
      invalid++;
      if (sample.length < SAMPLE) sample.push(row[idAt] as string);
    }
    if (rows.length < batch) return { rows: invalid, sample };
    lastId = rows.at(-1)?.[idAt] as string;
    await onBatch?.({ rows: invalid, sample, checked, lastId });
    if (checked >= most) return { rows: invalid, sample, checked };
  }
}

/**
 * From operations and facts about the rows to a plan: the statements in the order they run, what each locks, rewrites and costs,
 * what stands in the way, and the way back. Pure; whoever asks the database does so between `draftPlan` and `finishPlan`.
 */

import type { Change } from '../change/change.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Compatibility, compatibilityOf } from './compatibility.js';
import { mergeBackfills, type OrderedStep } from './merge-backfills.js';
import {
  type LockMode,
  type Operation,
  type Phase,
  type Probe,
  phaseOf,
  STAGES,
  type Step,
  type TableSize,
} from './operation.js';
import { inverseOf, operationsBetween } from './operations-between.js';
import { type Question, questionsOf } from './questions.js';
import { swapped } from './swapped.js';
import type { Transition } from './transition.js';

/**
 * Up to so many rows everything happens in one transaction: reading, indexing or rewriting them takes some 10 ms, less than
 * what building beside it costs in transactions and in waiting for old snapshots.
 */
export const SMALL_TABLE_ROWS = 10_000;

/** Longest that others may have to wait, in milliseconds, without anybody having said that they may. */
const LONGEST_BLOCK_MS = 1_000;

export interface Draft {
  readonly transition: Transition;
  readonly changes: readonly Change[];
  readonly operations: readonly Operation[];
  readonly probes: readonly { readonly operation: Operation; readonly probe: Probe }[];
  /** Conditions on the rows as they are, each to be counted. */
  readonly conditions: readonly string[];
}

export interface RowFacts {
  readonly rows: number;
  /** Of the table with its indexes. */
  readonly bytes: number;
  /** How long counting them took, in milliseconds. */
  readonly countMs: number;
  /** By condition. */
  readonly counts: ReadonlyMap<string, number>;
  readonly failing: ReadonlyMap<Probe, Failing>;
}

/** Rows that stand in the way of one thing. */
export interface Failing {
  readonly rows: number;
  /** Up to five ids. */
  readonly sample: readonly string[];
  /** How many rows were looked at, when not all of them were. */
  readonly checked?: number;
}

export interface PlannedOperation {
  readonly kind: Operation['kind'] | 'create-entity';
  readonly pointer: string;
  readonly property?: string;
  readonly description: string;
  readonly risk: Operation['risk'];
  readonly failing: readonly (Failing & { readonly message: string; readonly wayOut: string })[];
}

export interface PlannedStep {
  /** `prepare` and `afterwards` steps run one by one, and go on where they were cut off; `switch` steps are one transaction. */
  readonly phase: Phase;
  /** Index into `operations`; null for what they share: the lock, and a backfill for several. */
  readonly operation: number | null;
  readonly description: string;
  readonly sql: string;
  readonly as: Step['as'];
  readonly lock: LockMode;
  readonly blocks: 'nothing' | 'writes' | 'reads and writes';
  readonly rewrite: boolean;
  /** Rows the statement reads, writes or hides. */
  readonly rows: number;
  readonly failing: number;
  readonly estimateMs: number;
  readonly reversible: 'yes' | 'partly' | 'no';
  readonly risk: Operation['risk']['level'];
}

export interface Plan {
  readonly operations: readonly PlannedOperation[];
  readonly steps: readonly PlannedStep[];
  /** In the same order as `steps`. */
  readonly statements: readonly Step[];
  readonly rows: number;
  readonly bytes: number;
  readonly compatibility: Compatibility;
  readonly questions: readonly Question[];
  /** What `allow` must name for this to be applied. */
  readonly needs: readonly ('destructive' | 'blocking')[];
  readonly inverse: {
    readonly reversible: 'yes' | 'partly' | 'no';
    readonly reasons: readonly string[];
    readonly steps: readonly InverseStep[];
  };
}

interface InverseStep {
  readonly phase: Phase;
  readonly description: string;
  readonly sql: string;
  readonly lock: LockMode;
}

export function draftPlan(transition: Transition, changes: readonly Change[]): Draft {
  const operations = operationsBetween(transition, changes);
  const probes = operations.flatMap((operation) => operation.validate().map((probe) => ({ operation, probe })));
  const sizes = [0, SMALL_TABLE_ROWS + 1].map(sizeOf);
  const affects = operations.flatMap((operation) =>
    sizes.flatMap((size) => operation.sql(size).flatMap((step) => step.affects ?? [])),
  );
  const conditions = [...new Set([...probes.flatMap(({ probe }) => probe.failing ?? []), ...affects])];
  return { transition, changes, operations, probes, conditions };
}

export function finishPlan({ transition, changes, operations, probes }: Draft, facts: RowFacts): Plan {
  const size = sizeOf(facts.rows);
  const planned = operations.map((operation) => plannedOperation(operation, probes, facts));
  const ordered = inOrder(transition, operations, size);
  const switchLock = ordered.find(({ step }) => step.stage === 'lock')?.step.lock ?? 'none';
  const steps = ordered.map((entry) => plannedStep(entry, operations, planned, facts, switchLock));
  const blockedMs = steps.filter(({ blocks }) => blocks !== 'nothing').reduce((sum, { estimateMs }) => sum + estimateMs, 0);
  const back = inverseOf(transition, operations);
  const reasons = operations.flatMap(({ risk }) => risk.reason ?? []);
  return {
    operations: planned,
    steps,
    statements: ordered.map(({ step }) => step),
    rows: facts.rows,
    bytes: facts.bytes,
    compatibility: compatibilityOf(changes, transition),
    questions: questionsOf(transition),
    needs: [
      ...(operations.some(({ risk }) => risk.level === 'destructive') ? (['destructive'] as const) : []),
      ...(blockedMs > LONGEST_BLOCK_MS ? (['blocking'] as const) : []),
    ],
    inverse: {
      reversible: worst(operations.map(({ risk }) => risk.reversible)),
      reasons: [...new Set(reasons)],
      steps: inOrder(swapped(transition), back, size).map(({ step, operation }) => ({
        phase: phaseOf(step),
        description: operation?.describe() ?? sharedDescription(step),
        sql: step.sql,
        lock: step.lock,
      })),
    },
  };
}

export function sizeOf(rows: number): TableSize {
  return { rows, large: rows > SMALL_TABLE_ROWS };
}

/** By stage, within a stage by operation; in front of the switch the strongest lock it needs, so that none is ever upgraded. */
function inOrder(t: Transition, operations: readonly Operation[], size: TableSize): OrderedStep[] {
  const steps: OrderedStep[] = operations.flatMap((operation) => operation.sql(size).map((step) => ({ step, operation })));
  const lock = lockStep(t, steps);
  const all = mergeBackfills(t, dedupe(lock ? [...steps, lock] : steps));
  return all
    .map((entry, index) => ({ entry, index, rank: STAGES.indexOf(entry.step.stage) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ entry }) => entry);
}

/** Two rules that change together are one reading of the records, and several properties that are encrypted one of the past. */
function dedupe(steps: readonly OrderedStep[]): OrderedStep[] {
  const seen = new Set<string>();
  const once = steps.filter(({ step }) => {
    if (step.as !== 'rules' && step.past === undefined) return true;
    const key = `${step.stage} ${step.sql}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
  return once.map((entry) => (entry.step.past ? { ...entry, operation: null } : entry));
}

function lockStep({ home, before }: Transition, steps: readonly OrderedStep[]): OrderedStep | undefined {
  const inSwitch = steps.map(({ step }) => step).filter((step) => phaseOf(step) === 'switch');
  if (inSwitch.length === 0) return undefined;
  const needed = inSwitch.map(({ lock }) => lock);
  const mode = needed.includes('ACCESS EXCLUSIVE') ? 'ACCESS EXCLUSIVE' : 'SHARE ROW EXCLUSIVE';
  const sql = `lock table ${tableRef(home, before)} in ${mode.toLowerCase()} mode`;
  return { step: { stage: 'lock', work: 'catalog', as: 'owner', sql, lock: mode }, operation: null };
}

function plannedOperation(operation: Operation, probes: Draft['probes'], facts: RowFacts): PlannedOperation {
  const { kind, pointer, property, risk } = operation;
  const failing = probes.flatMap(({ operation: owner, probe }) => {
    const found = owner === operation ? facts.failing.get(probe) : undefined;
    return found && found.rows > 0 ? [{ ...found, message: probe.message, wayOut: probe.wayOut }] : [];
  });
  return {
    ...{ kind, pointer, ...(property === undefined ? {} : { property }) },
    ...{ description: operation.describe(), risk, failing },
  };
}

function plannedStep(
  { step, operation }: OrderedStep,
  operations: readonly Operation[],
  planned: readonly PlannedOperation[],
  facts: RowFacts,
  switchLock: LockMode,
): PlannedStep {
  const index = operation ? operations.indexOf(operation) : null;
  const affected = step.affects === undefined ? undefined : facts.counts.get(step.affects);
  const rows = affected ?? (step.work === 'catalog' ? 0 : facts.rows);
  return {
    phase: phaseOf(step),
    operation: index,
    description: operation?.describe() ?? sharedDescription(step),
    sql: step.sql,
    as: step.as,
    lock: step.lock,
    blocks: blocksOf(step, switchLock),
    rewrite: step.work === 'rewrite',
    rows,
    failing: index === null ? 0 : (planned[index]?.failing ?? []).reduce((sum, { rows: count }) => sum + count, 0),
    estimateMs: estimateMs(step, rows, facts),
    reversible: operation?.risk.reversible ?? 'yes',
    risk: operation?.risk.level ?? 'none',
  };
}

function sharedDescription({ stage }: Step): string {
  if (stage === 'backfill') return 'existing records get what they lack, batch by batch';
  if (stage === 'past')
    return 'former versions and deleted records get what the records have, batch by batch, while everybody works on';
  return 'the table is locked, so that everything below is one moment for everybody else';
}

/** What others cannot do while the statement runs. In the switch, everything runs under the lock taken first. */
function blocksOf(step: Step, switchLock: LockMode): PlannedStep['blocks'] {
  const lock = phaseOf(step) === 'switch' ? switchLock : step.lock;
  if (lock === 'ACCESS EXCLUSIVE') return 'reads and writes';
  return lock === 'SHARE' || lock === 'SHARE ROW EXCLUSIVE' ? 'writes' : 'nothing';
}

/** Times of a plain count of the same rows, as measured on 1,000,000 rows of five columns beside 200 reads/s. */
const TIMES_OF_COUNT: Record<Step['work'], number> = { catalog: 0, scan: 1, index: 2, rewrite: 15, update: 120 };

/** Below, counting takes as long as asking, and tells nothing of a row. */
const FEW_ROWS = 1_000;
const USUAL_MS_PER_ROW = 0.000_2;

function estimateMs(step: Step, rows: number, facts: RowFacts): number {
  const perRow = facts.rows < FEW_ROWS ? USUAL_MS_PER_ROW : facts.countMs / facts.rows;
  const times = step.as === 'rules' ? 150 : TIMES_OF_COUNT[step.work];
  // An update reads all rows and writes those it affects.
  const reading = step.work === 'update' ? perRow * facts.rows : 0;
  return Math.ceil(1 + reading + perRow * rows * times);
}

function worst(values: readonly ('yes' | 'partly' | 'no')[]): 'yes' | 'partly' | 'no' {
  if (values.includes('no')) return 'no';
  return values.includes('partly') ? 'partly' : 'yes';
}

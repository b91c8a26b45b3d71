import { tableRef } from '../ddl/table-ref.js';
import { batchUpdate } from './batches.js';
import type { Operation, Step } from './operation.js';
import type { Transition } from './transition.js';

export interface OrderedStep {
  readonly step: Step;
  /** Null for what is nobody's alone. */
  readonly operation: Operation | null;
}

/**
 * The backfills of a plan as one. Each would write a row that still lacks what another brings, and the checks that hold writers
 * back until the switch would refuse it.
 */
export function mergeBackfills({ home, before }: Transition, steps: readonly OrderedStep[]): readonly OrderedStep[] {
  const [first, ...others] = steps.filter(({ step }) => step.fill !== undefined);
  if (!first || others.length === 0) return steps;
  const fills = [first, ...others].flatMap(({ step }) => step.fill ?? []);
  const { affects: _, fill: __, ...step } = first.step;
  const merged: OrderedStep = { step: { ...step, sql: batchUpdate(tableRef(home, before), fills) }, operation: null };
  return steps.flatMap((each) => (each === first ? [merged] : others.includes(each) ? [] : [each]));
}

import { columnType } from '../ddl/column.js';
import { tableRef } from '../ddl/table-ref.js';
import { batchUpdate, type CellFill, type Fill, isSqlFill, type ServiceBatch, serviceBatch, serviceScript } from './batches.js';
import type { Operation, Step } from './operation.js';
import { formerProperty, type Transition } from './transition.js';

export interface OrderedStep {
  readonly step: Step;
  /** Null for what is nobody's alone. */
  readonly operation: Operation | null;
}

/**
 * The backfills of a plan as one. Each would write a row that still lacks what another brings, and the checks that hold writers
 * back until the switch would refuse it.
 */
export function mergeBackfills(t: Transition, steps: readonly OrderedStep[]): readonly OrderedStep[] {
  const [first, ...others] = steps.filter(({ step }) => step.fill !== undefined);
  if (!first || others.length === 0) return steps;
  const fills = [first, ...others].flatMap(({ step }) => step.fill ?? []);
  const { affects: _, fill: __, service: ___, ...step } = first.step;
  const merged: OrderedStep = { step: { ...step, ...backfill(t, fills) }, operation: null };
  return steps.flatMap((each) => (each === first ? [merged] : others.includes(each) ? [] : [each]));
}

/** By the service, where only one value of a row is the service's to tell. */
export function backfill(t: Transition, fills: readonly Fill[]): Pick<Step, 'sql' | 'as' | 'service'> {
  const table = tableRef(t.home, t.before);
  const inSql = fills.filter(isSqlFill);
  if (inSql.length === fills.length) return { as: 'tenant', sql: batchUpdate(table, inSql) };
  const service: ServiceBatch = serviceBatch(table, fills, subjectColumn(t), (fill) => typeOf(t, fill));
  return { as: 'service', sql: serviceScript(service), service };
}

/** Of the table as it is. */
function subjectColumn(t: Transition): string | null {
  const property = t.after.properties.find(({ name }) => name === t.after.subject);
  return (property && formerProperty(t, property)?.column) ?? null;
}

function typeOf({ after }: Transition, { property: name }: CellFill): string {
  const property = after.properties.find((candidate) => candidate.name === name);
  if (!property) throw new Error(`no property ${name}`);
  return columnType(property);
}

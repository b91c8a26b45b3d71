/**
 * How a column changes its type. A type change never changes what a value says: the JSON that the API returns before and
 * after means the same, and the way back gives the identical old value. Rows where that does not hold are not converted.
 */

import { columnType } from '../../ddl/column.js';
import type { ColumnType } from '../../entity.js';
import { betweenNumbers } from './between-numbers.js';
import { betweenTimes } from './between-times.js';
import { jsonKind } from './json-kind.js';
import { fromJson, toJson } from './json-rules.js';
import { fixedNumeric } from './number-fits.js';
import type { ColumnKind, Rule } from './rule.js';
import { textForm } from './text-form.js';
import { textRule } from './text-rules.js';

export interface Conversion extends Rule {
  /** Postgres rewrites the table for `alter column … type … using`. */
  readonly rewrites: boolean;
}

/** Undefined: there is no rule. A type with itself has one that changes nothing. */
export function conversionBetween(before: ColumnKind, after: ColumnKind): Conversion | undefined {
  const rule = ruleBetween(before, after);
  return rule && { ...rule, rewrites: rewrites(before, after) };
}

function ruleBetween(before: ColumnKind, after: ColumnKind): Rule | undefined {
  if (columnType(before) === columnType(after)) return UNCHANGED;
  if (before.type === 'jsonb') return fromJson(after);
  if (after.type === 'jsonb') return toJson(before.type);
  if (before.type === 'text') return fromText(after);
  if (after.type === 'text') return toText(before.type);
  return betweenNumbers(before, after) ?? betweenTimes(before.type, after.type);
}

const UNCHANGED: Rule = { using: (old) => old, rule: 'each value stays as it is' };

function fromText(after: ColumnKind): Rule | undefined {
  const rule = textRule(after);
  if (after.type === 'jsonb' || !rule) return undefined;
  const kind = jsonKind(after.type);
  const becomes = kind === 'string' ? 'a text stays the same JSON string' : `a text becomes a JSON ${kind} of the same text`;
  return { using: rule.using, fits: rule.fits, rule: `${becomes}; it has to be ${rule.says}` };
}

function toText(before: Exclude<ColumnType, 'jsonb'>): Rule {
  const kind = jsonKind(before);
  return {
    using: (old) => textForm(before, old),
    rule:
      kind === 'string' ? 'each value stays the same JSON string' : `each JSON ${kind} becomes a JSON string of the same text`,
  };
}

/** Postgres finds out that nothing changes in a row: the type is the same, or wider, or the time zone is UTC. */
function rewrites(before: ColumnKind, after: ColumnKind): boolean {
  if (columnType(before) === columnType(after)) return false;
  if (before.type === 'numeric' && after.type === 'numeric') {
    const [was, is] = [fixedNumeric(before), fixedNumeric(after)];
    return is !== undefined && !(was?.scale === is.scale && was.precision <= is.precision);
  }
  return !([before.type, after.type].sort().join() === 'timestamp,timestamptz');
}

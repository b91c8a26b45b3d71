/** What a conversion between two column types is made of. Every rule is exact: a value says the same before and after. */

import type { Property } from '../../entity.js';

/**
 * What decides a column's type. Of precision and scale only both together do (`ddl/column.ts`); one alone is validation's.
 */
export type ColumnKind = Pick<Property, 'type' | 'precision' | 'scale'>;

/**
 * SQL about a value `old`: a column, a parameter with its cast, or anything in parentheses; it may be repeated. Counts on the
 * session settings that `values.ts` names. Neither text has a sub-select, so both can stand in a CHECK and in `using (…)`.
 */
export interface Rule {
  /** SQL of the new value, closed in itself; NULL stays NULL. Evaluated only where `fits` holds. */
  using(old: string): string;
  /**
   * SQL condition, true where the conversion is exact; it never raises an error whatever the old value is, and may yield NULL
   * or true for NULL. Absent: every value converts.
   */
  fits?(old: string): string;
  /** What is converted and which values stand in the way, in a sentence without a full stop. */
  readonly rule: string;
}

/** From the text in `old`. */
export interface TextRule extends Omit<Rule, 'rule'> {
  /** What the text has to be. */
  readonly says: string;
}

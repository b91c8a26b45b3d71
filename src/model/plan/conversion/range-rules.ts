/**
 * From the text in `old` to a range: only the text that the API returns for it. Its bounds are cast only behind what excludes
 * errors, in a CASE, as in `text-rules.ts`.
 */

import type { RangeType } from '../../entity.js';
import { isDiscrete } from '../../values/bounds.js';
import { type BoundType, boundTypeOf } from '../../values/range.js';
import type { TextRule } from './rule.js';
import { textForm } from './text-form.js';
import { CLOCK, DATE, DECIMAL, dayExists, hasFewDigits } from './text-patterns.js';

export function rangeRule(type: RangeType): TextRule {
  const { pattern, fits, comparedAs, says } = BOUNDS[boundTypeOf(type)];
  // Postgres could not move a bound beyond the last integer, so none that it would move gets as far as a cast.
  const ends = isDiscrete(boundTypeOf(type)) ? [`([[](${pattern})|[(])`, '[)]'] : [`[[(](${pattern})?`, '[])]'];
  const isRange = `^${ends[0]},(${pattern})?${ends[1]}$`;
  return {
    using: (old) => `${old}::${type}`,
    fits: (old) => {
      // NULL where the end is open.
      const lower = `nullif(split_part(substr(${old}, 2), ',', 1), '')`;
      const upper = `nullif(split_part(left(${old}, -1), ',', 2), '')`;
      const areBounds = [lower, upper].map((bound) => `coalesce(${fits(bound)}, true)`).join(' and ');
      const isOrdered = `coalesce(${lower}::${comparedAs} <= ${upper}::${comparedAs}, true)`;
      const isCanonical = `${textForm(type, `${old}::${type}`)} = ${old}`;
      const holds = `case when ${areBounds} then case when ${isOrdered} then ${isCanonical} else false end else false end`;
      return `case when ${old} = 'empty' then true when ${old} ~ '${isRange}' then ${holds} else ${old} is null end`;
    },
    says: `a range such as ${says} or empty, exactly as the API returns it`,
  };
}

interface BoundRule {
  readonly pattern: string;
  /** Of a text that matches the pattern: a bound that the API takes. */
  fits(old: string): string;
  /** A type that holds whatever matches the pattern. */
  readonly comparedAs: string;
  readonly says: string;
}

const BOUNDS: Readonly<Record<BoundType, BoundRule>> = {
  bigint: {
    pattern: '0|-?[1-9][0-9]{0,18}',
    fits: (old) => `${old}::numeric between -9223372036854775808 and 9223372036854775807`,
    comparedAs: 'numeric',
    says: '[1,5)',
  },
  numeric: { pattern: DECIMAL, fits: hasFewDigits, comparedAs: 'numeric', says: '[1.5,2.50)' },
  date: { pattern: DATE, fits: dayExists, comparedAs: 'date', says: '[2024-05-31,2024-06-30)' },
  timestamp: {
    pattern: `${DATE}T${CLOCK}`,
    fits: dayExists,
    comparedAs: 'timestamp',
    says: '[2024-05-31T18:30:00,2024-05-31T19:00:00)',
  },
  timestamptz: {
    pattern: `${DATE}T${CLOCK}Z`,
    fits: dayExists,
    comparedAs: 'timestamptz',
    says: '[2024-05-31T18:30:00Z,2024-05-31T19:00:00Z)',
  },
};

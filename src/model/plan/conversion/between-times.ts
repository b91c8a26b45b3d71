/** Between date, timestamp and timestamptz: a date is its midnight, and a date-time without offset is read as UTC. */

import type { ColumnType } from '../../entity.js';
import type { Rule } from './rule.js';

/** Undefined when one of the two is none of these. */
export function betweenTimes(before: ColumnType, after: ColumnType): Rule | undefined {
  return RULES[before]?.[after];
}

const inUtc = (old: string): string => `(${old} at time zone 'UTC')`;
const isMidnight = (old: string): string => `date_trunc('day', ${old}) = ${old}`;

const RULES: Partial<Record<ColumnType, Partial<Record<ColumnType, Rule>>>> = {
  date: {
    timestamp: { using: (old) => `${old}::timestamp`, rule: 'a date becomes its midnight' },
    timestamptz: { using: (old) => inUtc(`${old}::timestamp`), rule: 'a date becomes its midnight in UTC' },
  },
  timestamp: {
    date: {
      using: (old) => `${old}::date`,
      fits: isMidnight,
      rule: 'a date-time without offset becomes its date; it has to be at midnight',
    },
    // A cast, which Postgres knows to change nothing in a row while the session's time zone is UTC.
    timestamptz: { using: (old) => `${old}::timestamptz`, rule: 'a date-time without offset is read as one in UTC' },
  },
  timestamptz: {
    date: {
      using: (old) => `${inUtc(old)}::date`,
      fits: (old) => isMidnight(inUtc(old)),
      rule: 'a date-time becomes its date in UTC; it has to be at midnight in UTC',
    },
    timestamp: { using: (old) => `${old}::timestamp`, rule: 'a date-time stays the same in UTC, without its Z' },
  },
};

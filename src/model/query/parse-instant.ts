import { columnText } from './column-text.js';
import { invalidQuery } from './invalid-query.js';

/** `asOf`: an RFC 3339 date-time, microseconds at most; a date is its midnight in UTC. @throws Problem request/invalid-query */
export function parseInstant(text: string): string {
  const instant = /^\d{4}-/.test(text) ? columnText('timestamptz', text) : null;
  if (instant !== null) return instant;
  // A plus sign in a query string is a space.
  const hint = /\d \d\d:?\d\d$/.test(text) ? ' A plus sign is written %2B in a query string.' : '';
  throw invalidQuery('asOf', `it is an instant such as 2026-05-31T18:30:00Z.${hint}`);
}

import { databaseErrorOf } from '../database/sqlstate.js';
import { Problem } from '../platform/problem.js';

/** What only running a query shows: its words were understood, and Postgres cannot do what they say with these values. */
const BY_SQLSTATE: Readonly<Record<string, string>> = {
  '42601':
    'The text of a full-text search could not be read: words of fts are joined by &, | and !, as in cat & !dog; plfts takes any text.',
  '2201B': 'A pattern of match or imatch is no regular expression that Postgres can read.',
  '22P02': 'A value cannot be cast as select asks.',
  '22003': 'A number is out of the range of the type it is cast to, or of a total.',
  '22007': 'A value cannot be cast to the date or time that select asks for.',
  '22008': 'A date or time is out of range.',
  '42846': 'There is no cast between two of the types in select.',
  '22023': 'A value in the query is out of the range that Postgres takes.',
  '54001': 'The query is nested too deeply.',
};

/** @throws Problem request/invalid-query where the query is to blame */
export async function explainedRead<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const detail = BY_SQLSTATE[databaseErrorOf(error)?.code ?? ''];
    throw detail === undefined ? error : new Problem('request/invalid-query', detail);
  }
}

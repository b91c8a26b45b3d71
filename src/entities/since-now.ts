import { CONTEXT_LIFETIME_SECONDS } from '../database/context-token.js';
import type { Since } from './change-store.js';
import type { Ask } from './row-facts.js';

/** Longest a record's `updated_at` may be older than its commit: as long as a context holds, and then one statement. */
const LONGEST_WRITE_SECONDS = CONTEXT_LIFETIME_SECONDS + 600;

/** This moment, as records written later can be told by. */
export async function sinceNow(ask: Ask): Promise<Since> {
  const time = `clock_timestamp() - make_interval(secs => ${LONGEST_WRITE_SECONDS})`;
  const text = `select to_json((${time}) at time zone 'UTC')#>>'{}' || 'Z', pg_current_snapshot()`;
  const [[at, snapshot] = []] = await ask({ text, values: [] });
  return { time: at as string, snapshot: snapshot as string };
}

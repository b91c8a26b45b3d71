import { FairAdmission } from '../database/fair-admission.js';
import { Problem } from '../platform/problem.js';

/**
 * Preparing many records is one thread's work: more at once only holds more memory. Measured at 32 clients with 1,000 records each:
 * 16 ms of CPU a request with four at once, 22 ms without a limit. One is left for whoever comes beside a tenant that imports.
 */
const BULKS_AT_ONCE = 4;
const BULKS_OF_ONE_TENANT = 3;

const WAITING = 1_000;
const PATIENCE_MS = 30_000;

/** The turns of large inserts. Beyond what may wait they are refused with `request/too-many-waiting` (429). */
export function bulkTurns(): FairAdmission {
  return new FairAdmission({
    places: BULKS_AT_ONCE,
    share: BULKS_OF_ONE_TENANT,
    queue: WAITING,
    patienceMs: PATIENCE_MS,
    refusal: () =>
      new Problem(
        'request/too-many-waiting',
        'Too many large inserts wait for their turn already. Send the next when one of them is answered.',
        {},
        { 'Retry-After': '5' },
      ),
  });
}

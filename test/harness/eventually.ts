import { setTimeout as pause } from 'node:timers/promises';

/** Longest it may take on a busy machine. */
const PATIENCE_MS = 60_000;

/** Asks again and again until it is so. @throws when it does not come true within a minute */
export async function eventually(condition: () => unknown): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await condition()); await pause(5)) {
    if (Date.now() > deadline) throw new Error(`it did not come true within ${PATIENCE_MS / 1_000} s`);
  }
}

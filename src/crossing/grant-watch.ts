import { problemOf } from '../database/sqlstate.js';
import { Periodic } from '../platform/periodic.js';
import { Problem } from '../platform/problem.js';

/** Sees to it that what began under a grant ends soon after the grant does. */

const EVERY_MS = 1_500;
/** Looks in a row that came to nothing: a grant that nobody can look at is over too. */
const MOST_FAILURES = 2;

export class GrantWatch {
  private readonly over = new AbortController();
  private readonly periodic = new Periodic(
    EVERY_MS,
    () => this.check(),
    () => {},
  );
  private failures = 0;
  private why: Problem | null = null;

  /** @param look throws a Problem with status 403 when the grant is over */
  constructor(private readonly look: () => Promise<unknown>) {}

  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** null: nobody has ended it. */
  get reason(): Problem | null {
    return this.why;
  }

  start(): void {
    this.periodic.start();
  }

  stop(): void {
    void this.periodic.stop();
  }

  /** Of several reasons the first counts. */
  end(reason: Problem | null): void {
    if (this.signal.aborted) return;
    this.why = reason;
    this.over.abort();
    this.stop();
  }

  private async check(): Promise<void> {
    try {
      await this.look();
      this.failures = 0;
    } catch (error) {
      const problem = problemOf(error) ?? new Problem('database/unavailable', 'The access grant could not be looked at.');
      this.failures += 1;
      if (problem.status === 403 || this.failures >= MOST_FAILURES) this.end(problem);
    }
  }
}

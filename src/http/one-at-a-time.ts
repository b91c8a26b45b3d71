import { setTimeout as wait } from 'node:timers/promises';

/**
 * Work under one name runs one after the other in this process, in order of arrival. Repeats of a request would otherwise each hold a
 * connection while they wait for the first, and a few of them the whole pool.
 */
export class OneAtATime {
  /** By name: settles when all that has come so far is over. */
  private readonly tails = new Map<string, Promise<unknown>>();

  /** @param impatient what to throw after waiting for so many milliseconds. */
  constructor(
    private readonly patienceMs: number,
    private readonly impatient: () => Error,
  ) {}

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(name);
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    // Who gave up is over at once, but whoever comes next still waits for those before.
    const tail = Promise.all([before, ended]).then(() => {
      if (this.tails.get(name) === tail) this.tails.delete(name);
    });
    this.tails.set(name, tail);
    try {
      if (before !== undefined) await this.patiently(before);
      return await work();
    } finally {
      end();
    }
  }

  private async patiently(others: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    const late = wait(this.patienceMs, 'late', { signal: over.signal }).catch(() => 'over');
    const first = await Promise.race([others, late]);
    over.abort();
    if (first === 'late') throw this.impatient();
  }
}

/**
 * Something that the Auth Service publishes, fetched when it is first needed and kept through outages: asked for anew behind the
 * requests, trusted for a day without an answer, and never fetched more often than the pauses allow. Used for its keys and its metadata.
 */

/** Known answers this old are no longer trusted, however long the Auth Service has been away. */
const STALE_FOR_MS = 24 * 3_600_000;
/** Between two fetches while an answer is known, and between two that were asked for out of turn. */
export const COOLDOWN_MS = 30_000;

export interface KeptAnswerOptions<T> {
  /** Rejects when there is no answer, within seconds. */
  readonly fetch: () => Promise<T>;
  /** From this age on the answer is fetched anew behind the request that noticed. */
  readonly refreshAfterMs: number;
  /** From this age on a request waits for that fetch, unless the last one failed. */
  readonly freshForMs: number;
  /** While nothing is known, pauses between fetches grow from the first to the second of these. */
  readonly retryMs: readonly [number, number];
  /** Told of every fetch that failed. */
  readonly onFailure?: (reason: Error) => void;
}

export class KeptAnswer<T> {
  private known: { readonly answer: T; readonly fetchedAt: number } | undefined;
  private pending: Promise<void> | undefined;
  private attemptedAt = Number.NEGATIVE_INFINITY;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private failures = 0;
  /** Of the last fetch; none since one succeeded. */
  lastFailure: Error | undefined;

  constructor(private readonly options: KeptAnswerOptions<T>) {}

  /** null when there is none that may be trusted and none can be had now. */
  async current(): Promise<T | null> {
    const age = this.age();
    if (age >= this.options.refreshAfterMs && this.mayFetch()) {
      const fetched = this.fetchOnce();
      if (age >= STALE_FOR_MS || (age >= this.options.freshForMs && this.failures === 0)) await fetched;
    }
    return this.known && this.age() < STALE_FOR_MS ? this.known.answer : null;
  }

  /** Fetches behind whoever calls, if it is time. For answers that were used without asking for them again. */
  refresh(): void {
    if (this.known && this.age() >= this.options.refreshAfterMs && this.mayFetch()) void this.fetchOnce();
  }

  /**
   * For whoever misses something in the answer: fetches out of turn, at most every 30 s however often this is called, or waits for the
   * fetch that is under way. Fetches in turn do not count, so that what was published just after one is found at once.
   */
  async renew(): Promise<void> {
    // That fetch may have been answered before what is missing was published.
    if (this.pending && this.mayRenew()) await this.pending;
    if (!this.pending && this.mayRenew() && (this.failures === 0 || this.mayFetch())) {
      this.renewedAt = performance.now();
      void this.fetchOnce();
    }
    await this.pending;
  }

  /** Whole seconds until the next fetch may be made, at least 1. */
  get retryInSeconds(): number {
    return Math.max(1, Math.ceil((this.attemptedAt + this.pause() - performance.now()) / 1000));
  }

  private age(): number {
    return this.known ? performance.now() - this.known.fetchedAt : Number.POSITIVE_INFINITY;
  }

  private mayFetch(): boolean {
    return this.pending !== undefined || performance.now() - this.attemptedAt >= this.pause();
  }

  private mayRenew(): boolean {
    return performance.now() - this.renewedAt >= COOLDOWN_MS;
  }

  private pause(): number {
    const [first, longest] = this.options.retryMs;
    return this.known ? COOLDOWN_MS : Math.min(longest, first * 2 ** (this.failures - 1));
  }

  /** One fetch at a time, shared by all who ask meanwhile. Never rejects: the outcome is in `known` and `failures`. */
  private fetchOnce(): Promise<void> {
    this.pending ??= this.fetchAnswer().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async fetchAnswer(): Promise<void> {
    this.attemptedAt = performance.now();
    try {
      this.known = { answer: await this.options.fetch(), fetchedAt: performance.now() };
      this.failures = 0;
      this.lastFailure = undefined;
    } catch (error) {
      this.failures += 1;
      this.lastFailure = error instanceof Error ? error : new Error(String(error));
      this.options.onFailure?.(this.lastFailure);
    }
  }
}

/**
 * Outages in a row, and the rest after too many of them: nobody asks until it is over, then one call tries, and what comes of it decides.
 * It only counts and remembers; whoever calls says what came of the call.
 */
export class OutageBreaker {
  private outages = 0;
  /** As `performance.now()` tells it; null while calls go through. */
  private restUntil: number | null = null;
  private isTrying = false;

  get inARow(): number {
    return this.outages;
  }

  get isOpen(): boolean {
    return this.restUntil !== null;
  }

  /** While it rests, and while one call tries: that may take its time, and nobody is to wait for it. */
  get refuses(): boolean {
    return this.restUntil !== null && (this.isTrying || performance.now() < this.restUntil);
  }

  /** @returns whether this is the call that tries */
  enter(): boolean {
    this.isTrying = this.isOpen;
    return this.isTrying;
  }

  answered(): void {
    this.outages = 0;
    this.restUntil = null;
    this.isTrying = false;
  }

  failed(): void {
    this.outages += 1;
  }

  /** From now on; a longer rest that has begun already stays. */
  rest(ms: number): void {
    this.restUntil = Math.max(this.restUntil ?? 0, performance.now() + ms);
    this.isTrying = false;
  }
}

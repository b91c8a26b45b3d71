/**
 * How often each of many may do something: a token bucket under each name. A bucket is one number, the time at which it will be full
 * again (the generic cell rate algorithm, ATM Forum TM 4.0), so that there are no timers and nothing to sweep.
 */

export interface BucketOptions {
  /** What a full bucket holds. */
  readonly burst: number;
  /** Seconds in which an empty bucket fills. */
  readonly seconds: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** What is left after a request, in whole tokens and whole seconds, rounded so that nobody comes too early. */
export interface Allowance {
  readonly granted: boolean;
  readonly remaining: number;
  /** Until the bucket is full. */
  readonly fullIn: number;
  /** Until the next token is there; 0 when one is. */
  readonly nextIn: number;
}

/** Names that are remembered at a time; beyond, the oldest is forgotten, which is a full bucket for it. */
const LARGEST = 50_000;

export class TokenBuckets {
  private readonly fullAt = new Map<string, number>();
  private readonly capacityMs: number;
  private readonly tokenMs: number;
  private readonly now: () => number;

  constructor(options: BucketOptions) {
    this.capacityMs = options.seconds * 1000;
    this.tokenMs = this.capacityMs / options.burst;
    this.now = options.now ?? (() => performance.now());
  }

  /** Takes a token if there is one. */
  take(name: string): Allowance {
    const now = this.now();
    const known = this.fullAt.get(name) ?? 0;
    const missing = Math.max(known - now, 0);
    const granted = this.hasToken(missing);
    const after = granted ? missing + this.tokenMs : missing;
    if (granted) this.remember(name, now + after, known <= now);
    return this.allowance(granted, after);
  }

  /** Whether a token would be granted now, and what there is; takes none. */
  look(name: string): Allowance {
    const missing = Math.max((this.fullAt.get(name) ?? 0) - this.now(), 0);
    return this.allowance(this.hasToken(missing), missing);
  }

  /** Sums of fractions: without the grain, the last token of a burst could be missing by a rounding. */
  private hasToken(missing: number): boolean {
    return missing + this.tokenMs <= this.capacityMs + 1e-6;
  }

  private allowance(granted: boolean, missing: number): Allowance {
    const left = (this.capacityMs - missing) / this.tokenMs;
    return {
      granted,
      remaining: Math.max(0, Math.floor(left + 1e-6)),
      fullIn: Math.ceil(missing / 1000),
      nextIn: left >= 1 ? 0 : Math.ceil((missing + this.tokenMs - this.capacityMs) / 1000),
    };
  }

  /** Names come again behind the others once their bucket was full: the first is never one in use when others are not. */
  private remember(name: string, fullAt: number, isFresh: boolean): void {
    if (isFresh) {
      this.fullAt.delete(name);
      if (this.fullAt.size >= LARGEST) this.fullAt.delete(this.fullAt.keys().next().value as string);
    }
    this.fullAt.set(name, fullAt);
  }
}

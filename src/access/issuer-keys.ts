/**
 * The public keys of the Auth Service (JWKS, RFC 7517), fetched from one fixed address and kept through its outages.
 * Used by the token verifier only. Keys and matching are jose's; the policy of when to fetch is ours, because jose's
 * remote key set neither serves known keys while a fetch fails nor pauses after a failed fetch.
 */

import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { Problem } from '../platform/problem.js';

/** From this age on keys are fetched anew behind the request that noticed. */
const REFRESH_AFTER_MS = 5 * 60_000;
/** From this age on a request waits for that fetch, unless the last one failed: a removed key is gone by then. */
const FRESH_FOR_MS = 10 * 60_000;
/** Keys this old are no longer trusted, however long the Auth Service has been away. */
const STALE_FOR_MS = 24 * 3_600_000;
/** While keys are known: at most one fetch in this time, whatever tokens arrive. */
const COOLDOWN_MS = 30_000;
/** While none is known: pauses between fetches grow from this to the cooldown, so that a late Auth Service is soon noticed. */
const FIRST_RETRY_MS = 2_000;
const TIMEOUT_MS = 3_000;

interface KnownKeys {
  readonly fetchedAt: number;
  readonly kids: ReadonlySet<string | undefined>;
  readonly find: (header: JWSHeaderParameters) => Promise<CryptoKey>;
}

interface IssuerKeysOptions {
  /** Absolute URL of the key set. Redirects are not followed. */
  readonly url: string;
  readonly fetch?: typeof fetch;
  /** Told of every fetch that failed, so at most once per 2 s (no keys yet) or 30 s. */
  readonly onFetchFailure?: (reason: Error) => void;
}

export class IssuerKeys {
  private known: KnownKeys | undefined;
  private pending: Promise<void> | undefined;
  private attemptedAt = Number.NEGATIVE_INFINITY;
  private failures = 0;
  private lastFailure: Error | undefined;

  constructor(private readonly options: IssuerKeysOptions) {}

  /**
   * The one key that fits `alg` and `kid` of a token's header.
   * @throws Problem `auth/issuer-unavailable` when no usable keys are at hand and none can be fetched now
   * @throws JOSEError `JWKSNoMatchingKey` or `JWKSMultipleMatchingKeys`
   */
  async find(header: JWSHeaderParameters): Promise<CryptoKey> {
    const keys = await this.current();
    try {
      return await keys.find(header);
    } catch (error) {
      // A known kid with another algorithm or key type is not a new key: nothing to fetch.
      if (!(error instanceof errors.JWKSNoMatchingKey) || keys.kids.has(header.kid) || !this.mayFetch()) throw error;
    }
    await this.fetchOnce();
    return (await this.current()).find(header);
  }

  /** Fetches the keys if none are known; null when keys are at hand, else why not (for readiness, not for clients). */
  async whyNotReady(): Promise<string | null> {
    try {
      await this.current();
      return null;
    } catch {
      return `no keys of the Auth Service: ${this.lastFailure?.message ?? 'not fetched yet'}`;
    }
  }

  private async current(): Promise<KnownKeys> {
    const age = this.age();
    if (age >= REFRESH_AFTER_MS && this.mayFetch()) {
      const fetched = this.fetchOnce();
      if (age >= STALE_FOR_MS || (age >= FRESH_FOR_MS && this.failures === 0)) await fetched;
    }
    if (!this.known || this.age() >= STALE_FOR_MS) throw this.unavailable();
    return this.known;
  }

  private age(): number {
    return this.known ? performance.now() - this.known.fetchedAt : Number.POSITIVE_INFINITY;
  }

  private mayFetch(): boolean {
    return this.pending !== undefined || performance.now() - this.attemptedAt >= this.pause();
  }

  private pause(): number {
    return this.known ? COOLDOWN_MS : Math.min(COOLDOWN_MS, FIRST_RETRY_MS * 2 ** (this.failures - 1));
  }

  /** One fetch at a time, shared by all who ask meanwhile. Never rejects: the outcome is in `known` and `failures`. */
  private fetchOnce(): Promise<void> {
    this.pending ??= this.fetchKeys().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async fetchKeys(): Promise<void> {
    this.attemptedAt = performance.now();
    try {
      const response = await (this.options.fetch ?? fetch)(this.options.url, {
        redirect: 'error',
        headers: { accept: 'application/jwk-set+json, application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status !== 200) throw new Error(`the key set answered ${response.status}`);
      const set = (await response.json()) as JSONWebKeySet;
      const find = createLocalJWKSet(set);
      this.known = { fetchedAt: performance.now(), kids: new Set(set.keys.map((key) => key.kid)), find };
      this.failures = 0;
      this.lastFailure = undefined;
    } catch (error) {
      this.failures += 1;
      this.lastFailure = error instanceof Error ? error : new Error(String(error));
      this.options.onFetchFailure?.(this.lastFailure);
    }
  }

  private unavailable(): Problem {
    const waitMs = Math.max(0, this.attemptedAt + this.pause() - performance.now());
    const problem = new Problem(
      'auth/issuer-unavailable',
      'The keys of the Auth Service cannot be fetched, so no token can be checked: try again shortly.',
      {},
      { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) },
    );
    problem.cause = this.lastFailure;
    return problem;
  }
}

/**
 * The public keys of the Auth Service (JWKS, RFC 7517), fetched from one address and kept through its outages. Used by the token
 * verifier only. Keys and matching are jose's; the policy of when to fetch is ours, because jose's remote key set neither serves known
 * keys while a fetch fails nor pauses after a failed fetch.
 */

import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { Problem } from '../platform/problem.js';
import { askIssuer } from './ask-issuer.js';
import { COOLDOWN_MS, KeptAnswer } from './kept-answer.js';

/** A key that was removed is known to be gone after this, where there are requests to notice it. */
const REFRESH_AFTER_MS = 60_000;
/** And after this, where there were none. */
const FRESH_FOR_MS = 2 * 60_000;
/** A late Auth Service is soon noticed. */
const FIRST_RETRY_MS = 2_000;

interface KnownKeys {
  readonly generation: number;
  readonly kids: ReadonlySet<string | undefined>;
  readonly find: (header: JWSHeaderParameters) => Promise<CryptoKey>;
}

interface FoundKey {
  readonly key: CryptoKey;
  readonly generation: number;
}

interface IssuerKeysOptions {
  /** Absolute URL of the key set, asked for before each fetch. Redirects are not followed. */
  readonly url: () => Promise<string>;
  readonly fetch?: typeof fetch;
  /** Told of every fetch that failed, so at most once per 2 s (no keys yet) or 30 s. */
  readonly onFetchFailure?: (reason: Error) => void;
}

export class IssuerKeys {
  private readonly kept: KeptAnswer<KnownKeys>;
  private published = '';
  private latest = 0;

  constructor(private readonly options: IssuerKeysOptions) {
    this.kept = new KeptAnswer({
      fetch: () => this.fetchKeys(),
      refreshAfterMs: REFRESH_AFTER_MS,
      freshForMs: FRESH_FOR_MS,
      retryMs: [FIRST_RETRY_MS, COOLDOWN_MS],
      onFailure: options.onFetchFailure,
    });
  }

  /** Another number when other keys were published: what was checked with the former ones has to be checked anew. */
  get generation(): number {
    return this.latest;
  }

  /**
   * The one key that fits `alg` and `kid` of a token's header, and the generation it is of.
   * @throws Problem `auth/issuer-unavailable` when no usable keys are at hand and none can be fetched now
   * @throws JOSEError `JWKSNoMatchingKey` or `JWKSMultipleMatchingKeys`
   */
  async find(header: JWSHeaderParameters): Promise<FoundKey> {
    const keys = await this.current();
    try {
      return { key: await keys.find(header), generation: keys.generation };
    } catch (error) {
      // A known kid with another algorithm or key type is not a new key: nothing to fetch.
      if (!(error instanceof errors.JWKSNoMatchingKey) || keys.kids.has(header.kid)) throw error;
    }
    await this.kept.renew();
    const { find, generation } = await this.current();
    return { key: await find(header), generation };
  }

  /** Fetches the keys behind the request, if they are old: for tokens that need no key, as they were checked before. */
  refresh(): void {
    this.kept.refresh();
  }

  /** Fetches the keys if none are known; null when keys are at hand, else why not (for readiness, not for clients). */
  async whyNotReady(): Promise<string | null> {
    if (await this.kept.current()) return null;
    return `no keys of the Auth Service: ${this.kept.lastFailure?.message ?? 'not fetched yet'}`;
  }

  private async current(): Promise<KnownKeys> {
    const keys = await this.kept.current();
    if (keys) return keys;
    const problem = new Problem(
      'auth/issuer-unavailable',
      'The keys of the Auth Service cannot be fetched, so no token can be checked: try again shortly.',
      {},
      { 'Retry-After': String(this.kept.retryInSeconds) },
    );
    problem.cause = this.kept.lastFailure;
    throw problem;
  }

  private async fetchKeys(): Promise<KnownKeys> {
    const url = await this.options.url();
    const headers = { accept: 'application/jwk-set+json, application/json' };
    const answer: unknown = await askIssuer(this.options.fetch ?? fetch, 'the key set', url, { headers });
    const set = answer as JSONWebKeySet;
    const find = createLocalJWKSet(set);
    const published = JSON.stringify(set.keys);
    if (published !== this.published) this.latest += 1;
    this.published = published;
    return { generation: this.latest, kids: new Set(set.keys.map((key) => key.kid)), find };
  }
}

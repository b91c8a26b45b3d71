/**
 * What stands between a key provider and those who wait for it: a place for as many as it works on at once, an end to waiting, a pause once
 * it has failed several times in a row, and faults of one type. One for each provider.
 */

import { type Destruction, type KeyContext, KeyFault, type KeyProvider, type KeyProviderName } from '../key-provider.js';
import { type Asked, KeyBreakers } from './key-breakers.js';
import { PLACES, Places } from './places.js';

const TIMEOUT_MS = 1_500;
/** Longer than a call: by then it is known whether the provider is out. */
const PATIENCE_MS = 1_750;
/** The place of a call that found an outage is given on later: those that began with it are about to find the same, and then it is known. */
const AFTERMATH_MS = 50;
const FAILURES_IN_A_ROW = 5;
/** Between these, by chance: processes that stopped together do not come back together. */
const PAUSE_MS: readonly [number, number] = [1_000, 5_000];
const KEY_BYTES = 32;
/** A token does one thing at a time: one more is ready for it. */
const FEWER_PLACES: { readonly [name in KeyProviderName]?: number } = { pkcs11: 2 };

export interface GuardOptions {
  /** For one call, from when it has a place. */
  readonly timeoutMs?: number;
  /** Calls that may go on at once. */
  readonly places?: number;
  /** How long a call may wait for a place. That it had to says nothing of the provider. */
  readonly patienceMs?: number;
  /** Calls in a row that found a key unavailable, or keys of several tenants, after which it is, or all are, left alone for a while. */
  readonly failuresInARow?: number;
  /** Shortest and longest pause; then one call goes through, and what comes of it decides. */
  readonly pauseMs?: readonly [number, number];
}

/** Throws `KeyFault` and nothing else. Of what it is not told, such as an error of a library, nothing gets through but its code. */
export function guardedProvider(provider: KeyProvider, options: GuardOptions = {}): KeyProvider {
  return new GuardedProvider(provider, options);
}

class GuardedProvider implements KeyProvider {
  readonly name: KeyProviderName;
  private readonly timeoutMs: number;
  private readonly places: Places;
  private readonly breakers: KeyBreakers;

  constructor(
    private readonly provider: KeyProvider,
    {
      timeoutMs = TIMEOUT_MS,
      places = FEWER_PLACES[provider.name] ?? PLACES,
      patienceMs = PATIENCE_MS,
      failuresInARow = FAILURES_IN_A_ROW,
      pauseMs = PAUSE_MS,
    }: GuardOptions,
  ) {
    this.name = provider.name;
    this.timeoutMs = timeoutMs;
    this.places = new Places(places, patienceMs);
    this.breakers = new KeyBreakers(failuresInARow, pauseMs);
  }

  createKey(tenantId: string): Promise<string> {
    // It has no name yet.
    return this.call({ keyRef: `new key of ${tenantId}`, tenantId }, () => this.provider.createKey(tenantId));
  }

  wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    return this.call({ keyRef, tenantId: context.tenantId }, async () => {
      const wrapped = await this.provider.wrap(keyRef, context, key);
      if (wrapped.length === 0) throw this.fault('integrity', 'wrapped a key into nothing');
      return wrapped;
    });
  }

  unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    const work = async (): Promise<Buffer> => {
      const key = await this.provider.unwrap(keyRef, context, wrapped);
      if (key.length === KEY_BYTES) return key;
      key.fill(0);
      throw this.fault('integrity', 'unwrapped something else than 32 bytes');
    };
    return this.call({ keyRef, tenantId: context.tenantId }, work, wipe);
  }

  rotateKey(keyRef: string): Promise<void> {
    return this.call({ keyRef, tenantId: null }, () => this.provider.rotateKey(keyRef));
  }

  destroyKey(keyRef: string): Promise<Destruction> {
    return this.call({ keyRef, tenantId: null }, () => this.provider.destroyKey(keyRef));
  }

  async close(): Promise<void> {
    await this.provider.close?.();
  }

  /** @param discard told of what came too late */
  private async call<T>(asked: Asked, work: () => Promise<T>, discard: (late: T) => void = () => {}): Promise<T> {
    const { keyRef } = asked;
    const before = this.leftAlone(keyRef);
    if (before) throw before;
    if (!(await this.places.take(keyRef))) throw this.fault('unavailable', 'is asked for too many keys at once');
    const meanwhile = this.leftAlone(keyRef);
    if (!meanwhile) return this.placed(asked, () => this.inTime(work, discard));
    this.places.leave(keyRef);
    throw meanwhile;
  }

  private async placed<T>(asked: Asked, work: () => Promise<T>): Promise<T> {
    const { keyRef } = asked;
    const pass = this.breakers.enter(keyRef);
    let leaveAfterMs = 0;
    try {
      const result = await work();
      this.breakers.answered(keyRef);
      return result;
    } catch (error) {
      if (isOutage(error)) {
        this.breakers.failed(asked, pass);
        leaveAfterMs = AFTERMATH_MS;
      } else this.breakers.refused(keyRef, pass);
      throw error;
    } finally {
      if (leaveAfterMs > 0) setTimeout(() => this.places.leave(keyRef), leaveAfterMs);
      else this.places.leave(keyRef);
    }
  }

  private inTime<T>(work: () => Promise<T>, discard: (late: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const impatience = setTimeout(() => {
        isLate = true;
        reject(this.fault('unavailable', `did not answer within ${this.timeoutMs} ms`));
      }, this.timeoutMs);
      Promise.resolve()
        .then(work)
        .then(
          (result) => (isLate ? discard(result) : resolve(result)),
          (error: unknown) => reject(this.faultOf(error)),
        )
        .finally(() => clearTimeout(impatience));
    });
  }

  private faultOf(error: unknown): KeyFault {
    if (error instanceof KeyFault) return error;
    const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
    const why = typeof code === 'string' && /^[A-Z0-9_]{3,50}$/.test(code) ? ` (${code})` : '';
    return this.fault('unavailable', `failed${why}`);
  }

  private leftAlone(keyRef: string): KeyFault | null {
    const what = this.breakers.leftAlone(keyRef);
    if (what === null) return null;
    const so = what === 'key' ? ' for a key, which' : ', and';
    return this.fault('unavailable', `has failed several times in a row${so} is left alone for some seconds`);
  }

  private fault(kind: KeyFault['kind'], what: string): KeyFault {
    return new KeyFault(kind, `the key provider ${this.name} ${what}`);
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof KeyFault && error.kind === 'unavailable';
}

function wipe(key: Buffer): void {
  key.fill(0);
}

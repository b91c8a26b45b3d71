import { OutageBreaker } from './outage-breaker.js';

/**
 * Which calls to a key provider are left alone: those for a key that failed several times in a row, and all of them once keys of several
 * tenants did, with no answer in between. A key may be out by itself, such as one in an account of the tenant's own: that says nothing of
 * the provider, and must not close the way to the keys of all others.
 */

/** Of keys, and of tenants: who has two keys of their own has not proved that others are out. */
const AT_LEAST = 2;
/** After the provider's rest, those that were refused by it try later than everyone else: among them are keys that are out by themselves. */
const YIELD_MS = 500;
/** Keys with outages that are remembered; the one that failed longest ago is forgotten first. */
const LARGEST = 1_000;

export interface Asked {
  readonly keyRef: string;
  /** null where the call does not say. */
  readonly tenantId: string | null;
}

/** For one call: whether what comes of it decides. */
interface Pass {
  readonly triesKey: boolean;
  readonly triesProvider: boolean;
}

export class KeyBreakers {
  private readonly provider = new OutageBreaker();
  /** Only of keys that have failed since they last answered. */
  private readonly keys = new Map<string, OutageBreaker>();
  /** Outages since the last answer, by key, of keys that are not left alone by themselves. */
  private readonly row = new Map<string, { outages: number; readonly tenantId: string | null }>();

  /** @param pauseMs shortest and longest rest */
  constructor(
    private readonly failuresInARow: number,
    private readonly pauseMs: readonly [number, number],
  ) {}

  /** What is left alone, so that the key is not to be asked for; null: it may be. */
  leftAlone(keyRef: string): 'provider' | 'key' | null {
    if (this.provider.refuses) return 'provider';
    return this.keys.get(keyRef)?.refuses ? 'key' : null;
  }

  /** For a call that nothing leaves alone. */
  enter(keyRef: string): Pass {
    return { triesKey: this.keys.get(keyRef)?.enter() ?? false, triesProvider: this.provider.enter() };
  }

  answered(keyRef: string): void {
    this.keys.delete(keyRef);
    this.row.clear();
    this.provider.answered();
  }

  /** By a fault that is no outage: what was to be tried is there, and nothing else is known. */
  refused(keyRef: string, { triesKey, triesProvider }: Pass): void {
    if (triesProvider) this.answered(keyRef);
    else if (triesKey) this.keys.delete(keyRef);
  }

  failed(asked: Asked, { triesKey, triesProvider }: Pass): void {
    const { keyRef } = asked;
    const key = this.remembered(keyRef);
    if (!key.isOpen) key.failed();
    // Calls that began before it was left alone do not make that last longer.
    if (triesKey || (!key.isOpen && key.inARow >= this.failuresInARow)) key.rest(this.pause());
    if (key.isOpen) this.row.delete(keyRef);
    else this.row.set(keyRef, { outages: key.inARow, tenantId: asked.tenantId });
    if (triesProvider || (!this.provider.isOpen && this.isProviderOut())) this.restAll();
  }

  private isProviderOut(): boolean {
    let outages = 0;
    const tenants = new Set<string>();
    for (const each of this.row.values()) {
      outages += each.outages;
      if (each.tenantId !== null) tenants.add(each.tenantId);
    }
    return outages >= this.failuresInARow && this.row.size >= AT_LEAST && tenants.size >= AT_LEAST;
  }

  private restAll(): void {
    const pause = this.pause();
    this.row.clear();
    this.provider.rest(pause);
    for (const key of this.keys.values()) key.rest(pause + YIELD_MS);
  }

  private remembered(keyRef: string): OutageBreaker {
    const key = this.keys.get(keyRef) ?? new OutageBreaker();
    this.keys.delete(keyRef);
    if (this.keys.size >= LARGEST) this.keys.delete(this.keys.keys().next().value as string);
    this.keys.set(keyRef, key);
    return key;
  }

  private pause(): number {
    const [shortest, longest] = this.pauseMs;
    return shortest + Math.random() * (longest - shortest);
  }
}

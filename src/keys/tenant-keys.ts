import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import { meetsChangedKeys } from '../database/sqlstate.js';
import type { Row } from '../database/statement-batch.js';
import { cameAfterCommit } from '../database/tenant-tx.js';
import type { TenantHome } from '../model/entity.js';
import { BrokenCell, type CellPlace } from '../model/sealed/cell.js';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import { type Keyring, TEXT_FIELD, UnknownKeyVersion } from '../model/sealed/keyring.js';
import { type Subjects, SubjectsNeeded } from '../model/sealed/subjects-needed.js';
import type { Problem } from '../platform/problem.js';
import { closedKeyring } from './closed-keyring.js';
import { KeyFault } from './key-provider.js';
import type { KeyProviders } from './key-providers.js';
import { readKeys, type StoredKeys } from './key-store.js';
import { KeysNeeded, keysDestroyed, keysUnavailable } from './keys-needed.js';
import { createFirstKeys, type OpenKeys, openAll, ringOf, stateOf } from './opening.js';
import { SubjectKeyCache } from './subject-key-cache.js';
import { openSubjects } from './subject-keys.js';

/**
 * The tenants' keys, open in memory for as long as they may be. A request takes what is there without waiting; what is not there is opened
 * between two attempts of it, so that nobody waits for a key provider inside a transaction. Keys that are used are opened again before
 * their time is over, so that a short outage of the provider is not noticed.
 */

export interface TenantKeysOptions {
  readonly controlPlane: ControlPlane;
  readonly providers: KeyProviders;
  /** How long a key may be used after its provider was last asked for it, milliseconds. */
  readonly lifetimeMs: number;
  readonly onFault: (fault: KeyFault, tenantId: string) => void;
  /** Told of every value that was met and is not what was stored. @param by who met it */
  readonly onBroken?: (place: CellPlace, owner: KeyOwner, by: Actor) => Promise<void>;
}

/** Whose keys. */
export interface KeyOwner {
  readonly id: string;
  readonly home: TenantHome;
}

/** Keys as they were at one moment: whoever has begun with them can end with them. */
interface Held {
  readonly ring: Keyring;
  readonly subjects: SubjectKeyCache;
  /** What the ring was made of. */
  readonly state: string;
}

interface Entry {
  readonly owner: KeyOwner;
  opened: OpenKeys;
  held: Held | null;
  /** Of the ring, as `performance.now()` tells it. */
  until: number;
  /** When to ask the provider again that did not answer, while nobody waits for it. */
  refreshAfter: number;
  /** Something of the keys has changed: nothing is done with them before that is read. */
  isStale: boolean;
  /** How often something has: what was read before the last time is not kept. */
  changes: number;
  opening: Promise<Held> | null;
}

const ACTOR = { subject: 'business-store', roles: [], requestId: 'tenant-keys' };
const LARGEST = 5_000;

/** Two stages of a rotation may be met by one request, each with keys that are not open yet. */
const ATTEMPTS = 5;

/** Of a key's time, how much may pass before it is opened again in the background. */
const REFRESH_AT = 0.7;

const REFRESH_PAUSE_MS = 1_000;

export class TenantKeys {
  /** The least recently made comes first. */
  private readonly entries = new Map<string, Entry>();
  private readonly closed = new Map<string, FieldCiphers>();

  constructor(private readonly options: TenantKeysOptions) {}

  /** What is open, at once: where nothing is, whatever needs a key throws `KeysNeeded`. */
  peek(tenantId: string): FieldCiphers {
    const entry = this.entries.get(tenantId);
    const now = performance.now();
    if (!entry?.held || entry.isStale || entry.until <= now) return this.closedOf(tenantId);
    const refreshAt = entry.until - this.options.lifetimeMs * (1 - REFRESH_AT);
    // Nobody waits for it: what fails is tried again after a while, as long as the key's time lasts.
    if (now > Math.max(refreshAt, entry.refreshAfter) && !entry.opening) this.start(entry).catch(() => {});
    return entry.held.ring;
  }

  /** The keys of the tenant as they are now; its first, if it has none. @throws Problem key/unavailable, key/destroyed */
  async open(owner: KeyOwner): Promise<Keyring> {
    return (await this.hold(owner)).ring;
  }

  private async hold(owner: KeyOwner): Promise<Held> {
    const entry = this.entries.get(owner.id) ?? this.remember(owner);
    if (entry.held && !entry.isStale && entry.until > performance.now()) return entry.held;
    return entry.opening ?? this.start(entry);
  }

  /** @throws Problem key/no-provider where nothing can be encrypted */
  assertPossible(): void {
    void this.options.providers.forNew;
  }

  /** Asks at once for all keys that rows are encrypted with beside the tenant's. @throws SubjectsNeeded */
  assertOpen(tenantId: string, rows: readonly Row[]): void {
    this.entries.get(tenantId)?.held?.subjects.assertOpen(rows);
  }

  /**
   * Runs what may need the tenant's keys, and runs it again once they are open or known anew: nothing that was thrown for want of a key may
   * have left anything behind. @throws Problem key/unavailable, key/destroyed, key/integrity
   */
  async having<T>(owner: KeyOwner, work: () => Promise<T>, by: Actor = ACTOR): Promise<T> {
    try {
      return await this.attempted(owner, work);
    } catch (error) {
      const place = brokenPlace(error);
      if (place) await this.options.onBroken?.(place, owner, by);
      throw error;
    }
  }

  private async attempted<T>(owner: KeyOwner, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const known = this.entries.get(owner.id)?.held;
      try {
        return await work();
      } catch (error) {
        const isOutdated = error instanceof UnknownKeyVersion || meetsChangedKeys(error);
        const isShort = error instanceof KeysNeeded || error instanceof SubjectsNeeded;
        if (attempt >= ATTEMPTS || !(isOutdated || isShort) || cameAfterCommit(error)) throw error;
        if (isOutdated) this.forgetOld(owner.id, known);
        const held = await this.hold(owner);
        if (error instanceof SubjectsNeeded) await this.openSubjects(owner, held, error.subjects);
      }
    }
  }

  /** Of many that meet the same change, the first does so: what it has begun to read is good for all. */
  private forgetOld(tenantId: string, known: Held | null | undefined): void {
    const entry = this.entries.get(tenantId);
    if (entry && entry.held === known && !entry.isStale) this.forget(tenantId);
  }

  /** Something of the tenant's keys may have changed: they are read again before they are used. */
  forget(tenantId: string): void {
    const entry = this.entries.get(tenantId);
    if (!entry) return;
    entry.isStale = true;
    entry.changes += 1;
    // Whoever is reading them at the moment may have read what was.
    entry.opening = null;
  }

  /** Lets go of keys whose time is over: those of a tenant that nobody asks for are not to lie about. */
  tidy(): void {
    const now = performance.now();
    for (const entry of this.entries.values()) if (entry.held && entry.until <= now && !entry.opening) close(entry);
  }

  /** The same every time: what is made of entities under it serves on. */
  private closedOf(tenantId: string): FieldCiphers {
    const closed = this.closed.get(tenantId) ?? closedKeyring(tenantId);
    if (this.closed.size >= LARGEST) this.closed.clear();
    this.closed.set(tenantId, closed);
    return closed;
  }

  private remember(owner: KeyOwner): Entry {
    if (this.entries.size >= LARGEST) this.entries.delete(this.entries.keys().next().value as string);
    const entry: Entry = {
      ...{ owner, opened: new Map(), held: null, until: 0, refreshAfter: 0 },
      ...{ isStale: false, changes: 0, opening: null },
    };
    this.entries.set(owner.id, entry);
    return entry;
  }

  private start(entry: Entry): Promise<Held> {
    const opening = this.load(entry).finally(() => {
      if (entry.opening === opening) entry.opening = null;
    });
    entry.opening = opening;
    return opening;
  }

  private async load(entry: Entry): Promise<Held> {
    const { owner, changes } = entry;
    try {
      const { controlPlane, providers, lifetimeMs } = this.options;
      const read = () => controlPlane.inTenant(ACTOR, owner.home, (tx) => readKeys(tx, owner.id));
      const stored = (await read()) ?? (await createFirstKeys(controlPlane, providers, owner));
      if (stored.tenant.destroyedAt) {
        close(entry);
        throw keysDestroyed();
      }
      const opened = await openAll(providers, owner.id, stored.data, { known: entry.opened, lifetimeMs });
      const state = stateOf(stored);
      // What was made of entities under it serves on where nothing of the keys has changed.
      const held = entry.held?.state === state ? entry.held : holdingOf(owner.id, stored, opened, lifetimeMs);
      if (entry.changes === changes) {
        entry.opened = opened;
        entry.held = held;
        entry.isStale = false;
        entry.until = Math.min(...[...opened.values()].map(({ until }) => until));
      }
      return held;
    } catch (error) {
      entry.refreshAfter = performance.now() + REFRESH_PAUSE_MS;
      throw this.told(error, owner.id);
    }
  }

  private async openSubjects(owner: KeyOwner, held: Held, subjects: Subjects): Promise<void> {
    const { id, home } = owner;
    const open = async ({ ring, subjects: cache }: Held): Promise<void> => {
      const opened = await this.options.controlPlane.inTenant(ACTOR, home, (tx) => openSubjects(tx, id, ring, subjects));
      for (const { id: keyId, about, key } of opened) cache.open(keyId, about, key);
      for (const keyId of subjects.ids) cache.miss(keyId);
    };
    try {
      await open(held);
    } catch (error) {
      if (!meetsChangedKeys(error)) throw error;
      this.forgetOld(id, held);
      await open(await this.hold(owner));
    }
  }

  /** To the client nothing of the provider; to the operator all that may be said. */
  private told(error: unknown, tenantId: string): unknown {
    if (!(error instanceof KeyFault)) return error;
    this.options.onFault(error, tenantId);
    return error.kind === 'destroyed' ? keysDestroyed() : (keysUnavailable() as Problem);
  }
}

/** A whole text under a key that is retired since, such as a kept answer, is only old. */
function brokenPlace(error: unknown): CellPlace | null {
  if (error instanceof BrokenCell) return error.place;
  return error instanceof UnknownKeyVersion && error.place?.field !== TEXT_FIELD ? error.place : null;
}

function close(entry: Entry): void {
  entry.held = null;
  entry.opened = new Map();
}

function holdingOf(tenantId: string, stored: StoredKeys, opened: OpenKeys, lifetimeMs: number): Held {
  const subjects = new SubjectKeyCache(lifetimeMs);
  return { ring: ringOf(tenantId, stored, opened, subjects), subjects, state: stateOf(stored) };
}

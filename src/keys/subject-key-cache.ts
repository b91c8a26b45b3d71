import type { KeyObject } from 'node:crypto';
import type { SubjectKey, SubjectKeys } from '../model/sealed/keyring.js';
import { SubjectsNeeded } from '../model/sealed/subjects-needed.js';

/** The keys of those whom a tenant's records are about, as far as they are open. */

interface Known {
  /** null: it was destroyed; undefined: there is no such key, whatever a text says that looks like a cell. */
  readonly key: KeyObject | null | undefined;
  readonly about: string | null;
  readonly until: number;
}

/** Of one tenant: some 500 bytes each. */
const LARGEST = 50_000;

/** Of a key's time, how much has to be left where something is encrypted: whoever does so reads it, too, before it answers. */
const LEFT_TO_SEAL = 0.1;

/** Cells begin so whose subject has a key, see `cell.ts`; the id of the key stands at the end. */
const SUBJECT_IN_CELL = /\\x(?:0301[0-9a-f]{8}|0401[0-9a-f]{72})([0-9a-f]{32})/g;

type Row = readonly (string | null)[];

export class SubjectKeyCache implements SubjectKeys {
  /** By id, the least recently opened first. */
  private readonly known = new Map<string, Known>();
  private readonly ids = new Map<string, string>();

  /** @param lifetimeMs how long an open key may be used */
  constructor(private readonly lifetimeMs: number) {}

  byId(id: Buffer): KeyObject | null | undefined {
    const known = this.find(id.toString('hex'));
    if (!known) throw new SubjectsNeeded({ abouts: [], ids: [id.toString('hex')] });
    return known.key;
  }

  of(about: string): SubjectKey {
    const id = this.ids.get(about);
    const known = id === undefined ? undefined : this.find(id);
    const isFresh = known && known.until - performance.now() > LEFT_TO_SEAL * this.lifetimeMs;
    if (id === undefined || !known?.key || !isFresh) throw new SubjectsNeeded({ abouts: [about], ids: [] });
    return { id: Buffer.from(id, 'hex'), key: known.key };
  }

  /** Asks at once for all that the cells of these rows need, so that it is not done one by one. @throws SubjectsNeeded */
  assertOpen(rows: readonly Row[]): void {
    const missing = new Set<string>();
    for (const row of rows) {
      for (const text of row) {
        if (!text?.includes('\\x0')) continue;
        for (const [, id = ''] of text.matchAll(SUBJECT_IN_CELL)) if (!this.find(id)) missing.add(id);
      }
    }
    if (missing.size > 0) throw new SubjectsNeeded({ abouts: [], ids: [...missing] });
  }

  /** @param about null: it was destroyed, and nobody knows any more whose it was */
  open(id: string, about: string | null, key: KeyObject | null | undefined): void {
    this.known.delete(id);
    this.known.set(id, { key, about, until: performance.now() + this.lifetimeMs });
    if (about !== null) this.ids.set(about, id);
    if (this.known.size > LARGEST) this.forget(this.known.keys().next().value as string);
  }

  /** What was asked for and is not there, by id, is not asked for again. */
  miss(id: string): void {
    if (!this.find(id)) this.open(id, null, undefined);
  }

  private find(id: string): Known | undefined {
    const known = this.known.get(id);
    if (known && known.until > performance.now()) return known;
    if (known) this.forget(id);
    return undefined;
  }

  private forget(id: string): void {
    const about = this.known.get(id)?.about;
    this.known.delete(id);
    if (about != null && this.ids.get(about) === id) this.ids.delete(about);
  }
}

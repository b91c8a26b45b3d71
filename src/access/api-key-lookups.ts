import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import { NO_CLAIMS } from '../model/access/claims.js';
import { API_KEY_SUBJECT, type Principal, roleNames } from './principal.js';

/**
 * API keys by their ids, remembered for less time than a revocation may take to be known everywhere. Who asks while a query is under way
 * waits for the next one, which looks all of them up: a thousand guesses hold one connection, and a busy key costs a query every 4 s.
 */

const LIFETIME_MS = 4_000;
/** Unknown ids are remembered as well. */
const LARGEST = 20_000;
/** Ids in one query. */
const AT_ONCE = 1_000;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'api-key-lookups' };

/** A key as it is in force. */
export interface StoredApiKey {
  readonly id: string;
  readonly principal: Principal & { readonly tenantId: string };
  readonly hash: Buffer;
  readonly former: { readonly hash: Buffer; readonly until: Date } | null;
  readonly lastUsedAt: Date | null;
}

interface Entry {
  readonly key: Promise<StoredApiKey | null>;
  until: number;
}

interface Waiting {
  readonly entry: Entry;
  resolve(key: StoredApiKey | null): void;
  reject(reason: unknown): void;
}

export class ApiKeyLookups {
  private readonly entries = new Map<string, Entry>();
  private waiting = new Map<string, Waiting>();
  private isLooking = false;

  /** @param controlPlane of this room alone: one query at a time needs one connection, and waits for nobody else's work. */
  constructor(private readonly controlPlane: ControlPlane) {}

  /** null for an unknown id and for a key that is revoked. @throws what the database raises, which is asked again the next time */
  find(id: string): Promise<StoredApiKey | null> {
    const known = this.entries.get(id);
    if (known && known.until > performance.now()) return known.key;
    const entry = this.enqueued(id);
    this.entries.delete(id);
    if (this.entries.size >= LARGEST) this.entries.delete(this.entries.keys().next().value as string);
    this.entries.set(id, entry);
    return entry.key;
  }

  /** After a change that was made here. */
  forget(id: string): void {
    this.entries.delete(id);
  }

  private enqueued(id: string): Entry {
    const others = this.waiting.get(id);
    if (others) return others.entry;
    let settle: Pick<Waiting, 'resolve' | 'reject'> | undefined;
    const key = new Promise<StoredApiKey | null>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // Its time begins with the query that answers it.
    const entry: Entry = { key, until: Number.POSITIVE_INFINITY };
    this.waiting.set(id, { entry, ...(settle as Pick<Waiting, 'resolve' | 'reject'>) });
    if (!this.isLooking) void this.look();
    return entry;
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    while (this.waiting.size > 0) {
      const batch = [...this.waiting].slice(0, AT_ONCE);
      for (const [id, { entry }] of batch) {
        this.waiting.delete(id);
        entry.until = performance.now() + LIFETIME_MS;
      }
      try {
        const found = await this.read(batch.map(([id]) => id));
        for (const [id, { resolve }] of batch) resolve(found.get(id) ?? null);
      } catch (error) {
        for (const [id, { entry, reject }] of batch) {
          if (this.entries.get(id) === entry) this.entries.delete(id);
          reject(error);
        }
      }
    }
    this.isLooking = false;
  }

  private async read(ids: readonly string[]): Promise<ReadonlyMap<string, StoredApiKey>> {
    const rows = await this.controlPlane.platform(
      ACTOR,
      ({ manager }) => manager.query(FIND, [ids]) as Promise<StoredApiKeyRow[]>,
    );
    return new Map(rows.map((row) => [row.key_id, storedKeyOf(row)]));
  }
}

interface StoredApiKeyRow {
  readonly tenant_id: string;
  readonly key_id: string;
  readonly name: string;
  readonly secret_hash: Buffer;
  readonly former_secret_hash: Buffer | null;
  readonly former_until: Date | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
}

const FIND = `select tenant_id, key_id, name, secret_hash, former_secret_hash, former_until, roles, scopes, expires_at, last_used_at
from business_store_service.api_keys
where key_id = any ($1::uuid[])
  and revoked_at is null`;

function storedKeyOf(row: StoredApiKeyRow): StoredApiKey {
  const { key_id: id, tenant_id: tenantId, name, scopes, expires_at: expiresAt } = row;
  const principal = Object.freeze({
    subject: `${API_KEY_SUBJECT}${id}`,
    tenantId,
    roles: roleNames(row.roles.filter((role) => role !== 'system_admin')),
    claims: NO_CLAIMS,
    apiKey: Object.freeze({ id, name, scopes, expiresAt }),
  });
  const { former_secret_hash: hash, former_until: until } = row;
  const former = hash && until ? { hash, until } : null;
  return { id, principal, hash: row.secret_hash, former, lastUsedAt: row.last_used_at };
}

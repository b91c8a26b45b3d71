import type { KeyObject } from 'node:crypto';
import { auditStatement } from '../audit/audit-event.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { TenantHome } from '../model/entity.js';
import { Keyring, type SubjectKeys } from '../model/sealed/keyring.js';
import { newDataKey, openDataKey } from './data-keys.js';
import { KeyFault, type KeyPurpose } from './key-provider.js';
import type { KeyProviders } from './key-providers.js';
import { type DataKeyRow, insertDataKey, insertTenantKeys, readKeys, type StoredKeys } from './key-store.js';

/** From what is stored of a tenant's keys to what is open of them. */

interface OpenKey {
  readonly key: KeyObject;
  /** Of the commitment: the same version is the same key. */
  readonly commitment: string;
  readonly until: number;
}

/** By purpose and version. */
export type OpenKeys = ReadonlyMap<string, OpenKey>;

const ACTOR = { subject: 'business-store', roles: [], requestId: 'tenant-keys' };

const FIRST_KEYS: readonly KeyPurpose[] = ['encrypt', 'index'];

/** Of several who make them at once, one wins; the others read what it made. @throws KeyFault, Problem key/no-provider */
export async function createFirstKeys(
  controlPlane: ControlPlane,
  providers: KeyProviders,
  { id: tenantId, home }: { readonly id: string; readonly home: TenantHome },
): Promise<StoredKeys> {
  const provider = providers.forNew;
  const keyRef = await provider.createKey(tenantId);
  const keys = await Promise.all(
    FIRST_KEYS.map(async (purpose): Promise<DataKeyRow> => {
      const context = { tenantId, purpose, version: 1 };
      return { ...context, provider: provider.name, keyRef, ...(await newDataKey(provider, keyRef, context)) };
    }),
  );
  return controlPlane.inTenant(ACTOR, home, async (tx) => {
    if (await insertTenantKeys(tx, tenantId, { provider: provider.name, keyRef })) {
      for (const key of keys) await insertDataKey(tx, tenantId, key);
      const after = { provider: provider.name, keyRef, keys: FIRST_KEYS.map((purpose) => ({ purpose, version: 1 })) };
      await tx.run(auditStatement(tenantId, ACTOR, { action: 'keys.created', body: JSON.stringify({ after }) }));
    }
    return (await readKeys(tx, tenantId)) as StoredKeys;
  });
}

/** A key whose time is not over by half is not asked for again: reading what changed asks no provider. @throws KeyFault */
export async function openAll(
  providers: KeyProviders,
  tenantId: string,
  rows: readonly DataKeyRow[],
  { known, lifetimeMs }: { readonly known: OpenKeys; readonly lifetimeMs: number },
): Promise<OpenKeys> {
  const asked = performance.now();
  const opened = await Promise.all(
    rows.map(async (row): Promise<[string, OpenKey]> => {
      const { purpose, version, provider, keyRef } = row;
      const name = `${purpose} ${version}`;
      const commitment = row.commitment.toString('hex');
      const before = known.get(name);
      const same = before?.commitment === commitment && before.until > asked ? before : undefined;
      if (same && same.until - asked > lifetimeMs / 2) return [name, same];
      try {
        const context = { tenantId, purpose, version };
        const key = await openDataKey(providers.named(provider), keyRef, context, row);
        return [name, { key, commitment, until: asked + lifetimeMs }];
      } catch (error) {
        // Its time is not over: something else of the tenant changed while the provider cannot be asked.
        if (same && error instanceof KeyFault && error.kind === 'unavailable') return [name, same];
        throw error;
      }
    }),
  );
  return new Map(opened);
}

/** Tells one state of a tenant's keys from any other. */
export function stateOf({ tenant, data }: StoredKeys): string {
  const { epoch, encryptVersion, indexVersion, indexNext } = tenant;
  const keys = data.map(({ purpose, version, commitment }) => [purpose, version, commitment.toString('hex')]);
  return JSON.stringify([epoch, encryptVersion, indexVersion, indexNext, keys]);
}

export function ringOf(tenantId: string, { tenant, data }: StoredKeys, opened: OpenKeys, subjects: SubjectKeys): Keyring {
  const of = (purpose: KeyPurpose): Map<number, KeyObject> =>
    new Map(
      data
        .filter((row) => row.purpose === purpose)
        .map(({ version }) => [version, (opened.get(`${purpose} ${version}`) as OpenKey).key]),
    );
  const { epoch, encryptVersion, indexVersion, indexNext } = tenant;
  const keys = {
    ...{ tenantId, epoch, encrypt: of('encrypt'), encryptVersion },
    ...{ index: of('index'), indexVersion, indexNext },
  };
  return new Keyring(keys, subjects);
}

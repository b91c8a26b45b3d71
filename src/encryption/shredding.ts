import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuditChain } from '../audit/audit-chain.js';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { patiently } from '../entities/patiently.js';
import { tellOthers } from '../entities/registry-changes.js';
import { KeyFault } from '../keys/key-provider.js';
import { KeyProviders } from '../keys/key-providers.js';
import { keysDestroyed } from '../keys/keys-needed.js';
import { logKeyFault } from '../keys/log-key-fault.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import type { DestroyedProviderKey, DestructionAttempt, DestructionReceipt } from '../model/audit/destruction-receipt.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { tryProvider, tryToOpen } from './destruction-proof.js';
import {
  countSubjectKeys,
  type DataKeysRow,
  dataKeysOf,
  destroyDataKeys,
  destroySubjectKeys,
  destroyTenantKeys,
  endKeyJobs,
  isUsedByOthers,
  keepReceipt,
  lockKeys,
  tenantKeysOf,
  unfinishedDestructions,
  type WrappingKey,
  wrappingKeysOf,
} from './keys-sql.js';

/**
 * Destroys a tenant's keys for good (NIST SP 800-88, cryptographic erase). First here, in one transaction: from its commit on, nothing is
 * read, written or looked for any more. Then at the providers, which may take until they answer; then the receipt. Wherever a process dies
 * in between, any other goes on from what the tables say. What is destroyed stays so: the tenant gets no other keys.
 */

const EVERY_MS = 30_000;

/** Whoever asked for it goes on by itself for so long. */
const OWN_SECONDS = 15;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'shredding' };

export interface KeptReceipt {
  readonly receipt: DestructionReceipt;
  /** The receipt again, signed; null: the installation has no key to sign with. */
  readonly jws: string | null;
}

@Injectable()
export class Shredding implements OnApplicationBootstrap, OnModuleDestroy {
  /** By tenant: wrapped keys as they were, to be tried once they are destroyed, and for nothing else. */
  private readonly copies = new Map<string, readonly DataKeysRow[]>();
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly providers: KeyProviders,
    private readonly keys: TenantKeys,
    private readonly chain: AuditChain,
    private readonly directory: TenantDirectory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.goOn(),
      (err) => logger.warn({ err }, 'the destruction of keys is not finished, and will be gone on with'),
    );
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
  }

  /**
   * The receipt; null: nothing can be read any more, but a provider has not said yet that its key is gone, and is asked again.
   * @throws Problem key/none
   */
  async shred(actor: Actor, tenant: Tenant): Promise<KeptReceipt | null> {
    const copies = await patiently(this.controlPlane, actor, tenant.home, (tx) => this.mark(tx, actor, tenant.id));
    if (copies.length > 0) this.copies.set(tenant.id, copies);
    this.directory.forget(tenant.id);
    return this.finish(actor, tenant);
  }

  /** @returns what the keys were; nothing where they are destroyed already */
  private async mark(tx: SystemTx, actor: Actor, tenantId: string): Promise<readonly DataKeysRow[]> {
    // First what others may hold for long: nobody who writes waits meanwhile.
    await tellOthers(tx, tenantId);
    await lockKeys(tx, tenantId);
    const tenantKeys = await tenantKeysOf(tx, tenantId, true);
    if (!tenantKeys) throw new Problem('key/none', 'Nothing of the tenant was ever encrypted: there is no key to destroy.');
    if (tenantKeys.destroyedAt) return [];
    const { provider, keyRef } = tenantKeys;
    const keys = await dataKeysOf(tx, tenantId);
    await destroyDataKeys(tx, tenantId);
    await destroySubjectKeys(tx, tenantId);
    await destroyTenantKeys(tx, tenantId);
    await endKeyJobs(tx, tenantId, keysDestroyed().toJSON());
    const detail = { provider, keyRef, dataKeys: keys.map(told), subjectKeys: await countSubjectKeys(tx, tenantId) };
    const body = JSON.stringify({ detail });
    await tx.run(auditStatement(tenantId, actor, { action: 'keys.destruction-started', body }));
    return keys;
  }

  private async finish(actor: Actor, tenant: Tenant): Promise<KeptReceipt | null> {
    const { id: tenantId, home } = tenant;
    const found = await this.controlPlane.inTenant(actor, home, async (tx) => ({
      ...{ tenantKeys: await tenantKeysOf(tx, tenantId), dataKeys: await dataKeysOf(tx, tenantId) },
      ...{ wrapping: await wrappingKeysOf(tx, tenantId), subjectKeys: await countSubjectKeys(tx, tenantId) },
    }));
    const { tenantKeys, dataKeys, wrapping, subjectKeys } = found;
    if (!tenantKeys?.destroyedAt) throw new Error('keys that are not destroyed get no receipt');
    if (tenantKeys.receipt !== null) return this.kept(tenantId, tenantKeys.receipt);
    const ends: { key: DestroyedProviderKey; proof: DestructionAttempt[] }[] = [];
    for (const key of wrapping) {
      const isFormer = key.provider !== tenantKeys.provider && !this.providers.names.includes(key.provider);
      const end = isFormer ? { key: { ...key, ...NOT_OURS }, proof: [] } : await this.endOf(tenantId, key);
      if (!end) return null;
      ends.push(end);
    }
    const receipt: DestructionReceipt = {
      ...{ tenant: tenantId, at: tenantKeys.destroyedAt.toISOString(), destroyed: ends.every(({ key }) => key.destroyed) },
      ...{ providerKeys: ends.map(({ key }) => key), dataKeys: dataKeys.map(told), subjectKeys },
      proof: [await tryToOpen(this.keys, tenant), ...ends.flatMap(({ proof }) => proof)],
    };
    const kept: KeptReceipt = { receipt, jws: this.chain.signReceipt(receipt) };
    const text = await this.controlPlane.inTenant(actor, home, async (tx) => {
      // Whoever was storing a key at that very moment has stored it by now.
      await destroyDataKeys(tx, tenantId);
      if (await keepReceipt(tx, tenantId, JSON.stringify(kept))) {
        const body = JSON.stringify({ detail: kept });
        await tx.run(auditStatement(tenantId, actor, { action: 'keys.destroyed', body }));
      }
      return (await tenantKeysOf(tx, tenantId))?.receipt as string;
    });
    return this.kept(tenantId, text);
  }

  /** null: it is not to be had at the moment. */
  private async endOf(
    tenantId: string,
    key: WrappingKey,
  ): Promise<{ key: DestroyedProviderKey; proof: DestructionAttempt[] } | null> {
    const copies = (this.copies.get(tenantId) ?? []).filter(
      ({ provider, keyRef }) => provider === key.provider && keyRef === key.keyRef,
    );
    try {
      const provider = this.providers.named(key.provider);
      const isShared = await this.controlPlane.platform(ACTOR, (tx) => isUsedByOthers(tx, tenantId, key.provider, key.keyRef));
      const { destroyed, detail } = isShared ? SHARED : await provider.destroyKey(key.keyRef);
      const proof = await tryProvider(provider, key, tenantId, copies);
      const opened = proof.find(({ outcome }) => outcome === 'done');
      if (!destroyed || !opened) return { key: { ...key, destroyed, detail }, proof };
      const what = `The provider says that the key is destroyed, and yet: ${opened.what}.`;
      this.logger.error({ tenantId, alarm: 'key-not-destroyed', provider: key.provider }, `ALARM: ${what}`);
      return { key: { ...key, destroyed: false, detail: `${detail} ${what}` }, proof };
    } catch (error) {
      if (!(error instanceof KeyFault)) throw error;
      logKeyFault(this.logger, error, tenantId);
      return null;
    }
  }

  private kept(tenantId: string, text: string): KeptReceipt {
    this.copies.delete(tenantId);
    return JSON.parse(text) as KeptReceipt;
  }

  private async goOn(): Promise<void> {
    const waiting = await this.controlPlane.platform(ACTOR, (tx) => unfinishedDestructions(tx, OWN_SECONDS));
    for (const tenantId of waiting) {
      if (this.periodic.isStopping) return;
      const tenant = await this.directory.find(tenantId);
      if (tenant) await this.finish(ACTOR, tenant);
    }
  }
}

const SHARED = { destroyed: false, detail: 'Other tenants use the key: it stays, and copies of what it wrapped can be opened.' };

/** Of a provider that keys were with before, and which nobody here can ask any more. */
const NOT_OURS = { destroyed: false, detail: 'The installation no longer has this key provider: its key was not destroyed.' };

function told({ purpose, version, commitment }: DataKeysRow) {
  return { purpose, version, commitment: commitment.toString('hex') };
}

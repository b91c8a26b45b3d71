import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import type { KeyProviderName } from '../keys/key-provider.js';
import { KeyProviders } from '../keys/key-providers.js';
import { keysDestroyed } from '../keys/keys-needed.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { KeyJob } from './key-job.js';
import { KeyJobs } from './key-jobs.js';
import { keyRefFault } from './key-refs.js';
import type { MoveKeysBody, RotateKeysBody, ShredKeysBody } from './keys.bodies.js';
import { dataKeysOf, isUsedByOthers, type TenantKeysRow, tenantKeysOf } from './keys-sql.js';
import { type DataKeyView, dataKeyView } from './keys-view.js';
import { type KeptReceipt, Shredding } from './shredding.js';
import { type UnreadableEntity, unreadableCells } from './unreadable-cells.js';

/** The encryption keys of a tenant as its administrators see and manage them. Never a key, wrapped or not. */

export interface KeysView {
  /** `none`: nothing was ever encrypted; `destroying`: here they are destroyed, and the provider has not said yet that its key is. */
  readonly state: 'none' | 'active' | 'destroying' | 'destroyed';
  readonly provider: KeyProviderName | null;
  /** The provider's name for the key that wraps the data keys. */
  readonly keyRef: string | null;
  /** Moves with every change of what is written or looked for under which key. */
  readonly epoch: number | null;
  readonly createdAt: Date | null;
  readonly destroyedAt: Date | null;
  /** Oldest first, of each purpose. */
  readonly dataKeys: readonly DataKeyView[];
  /** What is under way. */
  readonly job: KeyJob | null;
  readonly receipt: KeptReceipt | null;
  /** Where keys can be: what this installation has. */
  readonly providers: readonly KeyProviderName[];
}

export interface ShredOutcome {
  readonly dryRun: boolean;
  readonly state: 'active' | 'destroying' | 'destroyed';
  /** Of a dry run. */
  readonly unreadable?: readonly UnreadableEntity[];
  readonly receipt?: KeptReceipt | null;
}

@Injectable()
export class KeysService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly providers: KeyProviders,
    private readonly jobs: KeyJobs,
    private readonly shredding: Shredding,
  ) {}

  async get(actor: Actor, tenant: Tenant): Promise<KeysView> {
    const [keys, dataKeys] = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => [
      await tenantKeysOf(tx, tenant.id),
      await dataKeysOf(tx, tenant.id),
    ]);
    const jobs = await this.jobs.list(tenant);
    const receipt = keys?.receipt ? (JSON.parse(keys.receipt) as KeptReceipt) : null;
    return {
      ...{ state: stateOf(keys), provider: keys?.provider ?? null, keyRef: keys?.keyRef ?? null, epoch: keys?.epoch ?? null },
      ...{ createdAt: keys?.createdAt ?? null, destroyedAt: keys?.destroyedAt ?? null },
      dataKeys: keys ? dataKeys.map((key) => dataKeyView(key, keys)) : [],
      job: jobs.find(({ status }) => status === 'running') ?? null,
      ...{ receipt, providers: this.providers.names },
    };
  }

  /** @throws Problem key/none, key/destroyed, key/busy */
  async rotate(actor: Actor, tenant: Tenant, { purpose }: RotateKeysBody): Promise<KeyJob> {
    await this.activeKeys(actor, tenant);
    return this.jobs.start(actor, tenant, purpose === 'provider' ? { kind: 'rewrap' } : { kind: 'rotate', purpose });
  }

  /** @throws Problem request/invalid for a provider or a key that cannot be, key/none, key/destroyed, key/busy */
  async move(actor: Actor, tenant: Tenant, { provider, keyRef }: MoveKeysBody): Promise<KeyJob> {
    await this.activeKeys(actor, tenant);
    const { names } = this.providers;
    if (!names.includes(provider)) {
      throw invalid('/provider', 'configured', `is not configured in this installation, which has ${names.join(', ')}`);
    }
    const fault = keyRef === undefined ? null : keyRefFault(provider, tenant.id, keyRef);
    if (fault) throw invalid('/keyRef', 'keyRef', fault);
    if (keyRef !== undefined && (await this.isAnothers(actor, tenant, provider, keyRef))) {
      throw invalid('/keyRef', 'keyRef', "names a key that another tenant uses: bring one of the tenant's own");
    }
    return this.jobs.start(actor, tenant, { kind: 'move', provider, ...(keyRef !== undefined && { keyRef }) });
  }

  /** @throws Problem request/invalid without the tenant's slug, key/none */
  async shred(actor: Actor, tenant: Tenant, { confirm, dryRun = false }: ShredKeysBody): Promise<ShredOutcome> {
    const keys = await this.keysOf(actor, tenant);
    if (!keys) throw none();
    if (dryRun) {
      const unreadable = await unreadableCells(this.controlPlane, actor, tenant);
      return { dryRun, state: stateOf(keys) as ShredOutcome['state'], unreadable };
    }
    if (confirm !== tenant.slug) {
      throw invalid('/confirm', 'slug', `has to be the slug of the tenant, ${tenant.slug}: nothing brings the values back`);
    }
    const receipt = await this.shredding.shred(actor, tenant);
    return { dryRun, state: receipt ? 'destroyed' : 'destroying', receipt };
  }

  private keysOf(actor: Actor, tenant: Tenant): Promise<TenantKeysRow | undefined> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) => tenantKeysOf(tx, tenant.id));
  }

  private async activeKeys(actor: Actor, tenant: Tenant): Promise<void> {
    const keys = await this.keysOf(actor, tenant);
    if (!keys) throw none();
    if (keys.destroyedAt) throw keysDestroyed();
  }

  private isAnothers(actor: Actor, tenant: Tenant, provider: KeyProviderName, keyRef: string): Promise<boolean> {
    const { subject, requestId } = actor;
    return this.controlPlane.platform({ subject, requestId, roles: [] }, (tx) => isUsedByOthers(tx, tenant.id, provider, keyRef));
  }
}

function stateOf(keys: TenantKeysRow | undefined): KeysView['state'] {
  if (!keys) return 'none';
  if (!keys.destroyedAt) return 'active';
  return keys.receipt === null ? 'destroying' : 'destroyed';
}

function none(): Problem {
  return new Problem('key/none', 'Nothing of the tenant was ever encrypted: it has no keys yet.');
}

function invalid(pointer: string, rule: string, message: string): Problem {
  return new Problem('request/invalid', 'See errors for each place and rule.', { errors: [{ pointer, rule, message }] });
}

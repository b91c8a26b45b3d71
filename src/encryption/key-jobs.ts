import { Injectable } from '@nestjs/common';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { newDataKey, openDataKey } from '../keys/data-keys.js';
import { KeyFault, type KeyProviderName } from '../keys/key-provider.js';
import { KeyProviders } from '../keys/key-providers.js';
import { readKeys, type TenantKeyRow } from '../keys/key-store.js';
import { keysDestroyed, keysUnavailable } from '../keys/keys-needed.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { KeyJob, KeyJobOrder } from './key-job.js';
import { KeyJobRunner } from './key-job-runner.js';
import { insertJob, type NewJob, readJobs } from './key-job-store.js';

/** Begins work on a tenant's keys, which goes on by itself, and tells how far it is. One at a time. */
@Injectable()
export class KeyJobs {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly keys: TenantKeys,
    private readonly providers: KeyProviders,
    private readonly runner: KeyJobRunner,
  ) {}

  /** @throws Problem key/busy, key/refused, key/unavailable, key/destroyed */
  async start(actor: Actor, tenant: Tenant, order: KeyJobOrder): Promise<KeyJob> {
    // What cannot be opened is not worth beginning with.
    await this.keys.open(tenant);
    const target = order.kind === 'move' ? await this.target(tenant, order.provider, order.keyRef) : null;
    const id = uuidV7();
    const job = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const stored = await readKeys(tx, tenant.id);
      if (!stored || stored.tenant.destroyedAt) throw keysDestroyed();
      const row = newJob(tenant.id, id, order, { keys: stored.tenant, target });
      if (!(await insertJob(tx, actor, row))) throw busy();
      const { kind, purpose, version, provider, keyRef } = row;
      const body = JSON.stringify({
        job: id,
        kind,
        ...(purpose ? { purpose, version } : {}),
        ...(provider ? { provider, keyRef } : {}),
      });
      await tx.run(auditStatement(tenant.id, actor, { action: 'keys.job-started', body }));
      const [view] = await readJobs(tx, tenant.id, id);
      return view as KeyJob;
    });
    this.runner.look();
    return job;
  }

  /** Newest first, a hundred at most. */
  async list(tenant: Tenant): Promise<KeyJob[]> {
    return this.controlPlane.inTenant(READING, tenant.home, (tx) => readJobs(tx, tenant.id, null));
  }

  /** @param id a UUID. @throws Problem key/job-not-found */
  async get(tenant: Tenant, id: string): Promise<KeyJob> {
    const [job] = await this.controlPlane.inTenant(READING, tenant.home, (tx) => readJobs(tx, tenant.id, id));
    if (!job) throw new Problem('key/job-not-found', 'The tenant has no work on its keys with this id.');
    return job;
  }

  /** A key that wraps and unwraps: what does not is refused before anything is written. */
  private async target(tenant: Tenant, name: KeyProviderName, wanted: string | undefined): Promise<Target> {
    try {
      const provider = this.providers.named(name);
      const keyRef = wanted ?? (await provider.createKey(tenant.id));
      const context = { tenantId: tenant.id, purpose: 'encrypt', version: 1 } as const;
      await openDataKey(provider, keyRef, context, await newDataKey(provider, keyRef, context));
      return { provider: name, keyRef };
    } catch (error) {
      if (!(error instanceof KeyFault)) throw error;
      if (error.kind === 'unavailable' && this.providers.names.includes(name)) throw keysUnavailable();
      throw new Problem('key/refused', REFUSED[error.kind], { provider: name });
    }
  }
}

interface Target {
  readonly provider: KeyProviderName;
  readonly keyRef: string;
}

const READING: Actor = { subject: 'business-store', roles: [], requestId: 'key-jobs' };

const REFUSED: Readonly<Record<KeyFault['kind'], string>> = {
  unavailable: 'The key provider is not configured in this installation. Nothing was changed.',
  denied: 'The key provider does not let the service use the key. Nothing was changed.',
  integrity: 'The key provider did not hand back what it had wrapped. Nothing was changed.',
  destroyed: 'The key provider has no such key, or has destroyed it. Nothing was changed.',
};

function newJob(
  tenantId: string,
  id: string,
  order: KeyJobOrder,
  { keys, target }: { readonly keys: TenantKeyRow; readonly target: Target | null },
): NewJob {
  const former = { provider: keys.provider, keyRef: keys.keyRef };
  const nothing = { purpose: null, version: null, provider: null, keyRef: null, former: null };
  if (order.kind === 'rewrap') return { ...nothing, tenantId, id, kind: 'rewrap', former };
  if (target) return { ...nothing, tenantId, id, kind: 'move', ...target, former };
  const { purpose } = order as Extract<KeyJobOrder, { kind: 'rotate' }>;
  const version = (purpose === 'encrypt' ? keys.encryptVersion : keys.indexVersion) + 1;
  return { ...nothing, tenantId, id, kind: 'rotate', purpose, version };
}

function busy(): Problem {
  return new Problem('key/busy', 'Other work on the keys of this tenant is under way. GET …/keys/jobs tells how far it is.');
}

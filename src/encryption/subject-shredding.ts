import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuditChain } from '../audit/audit-chain.js';
import { auditStatement } from '../audit/audit-event.js';
import { type Actor, asService } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { patiently } from '../entities/patiently.js';
import { tellOthers } from '../entities/registry-changes.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import type { SubjectReceipt } from '../model/audit/subject-receipt.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { forgetAnswers } from './forgotten-answers.js';
import { eraseStatement, heldStatement } from './forgotten-cells.js';
import type { ForgetSubjectBody } from './keys.bodies.js';
import { lockKeys } from './keys-sql.js';
import { SealedRows } from './sealed-rows.js';
import type { SealedTable } from './sealed-table.js';
import { sealedTables } from './sealed-tables.js';
import {
  destroySubjectKey,
  moveEpochOn,
  noteErased,
  subjectKeyOf,
  tenantsWithUnerased,
  unerasedSubjects,
} from './subject-sql.js';

/**
 * Destroys the key of one whom records are about. From the commit on nobody opens a value of theirs, in records, in the past and in kept
 * answers alike; then the tags go by which the values could still be guessed. Whoever comes next goes on where a process has died.
 */

const EVERY_MS = 30_000;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'subject-shredding' };

export interface ForgottenSubject {
  readonly dryRun: boolean;
  /** Of a dry run: values that nobody could read any more. */
  readonly cells?: number;
  readonly receipt?: SubjectReceipt;
  /** The receipt again, signed; null: the installation has no key to sign with. */
  readonly jws?: string | null;
}

@Injectable()
export class SubjectShredding implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly keys: TenantKeys,
    private readonly chain: AuditChain,
    private readonly directory: TenantDirectory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.goOn(),
      (err) => this.left(err),
    );
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
  }

  /** @throws Problem key/no-subject, request/invalid without the subject said twice, key/destroyed */
  async shred(actor: Actor, tenant: Tenant, { subject, confirm, dryRun = false }: ForgetSubjectBody): Promise<ForgottenSubject> {
    const keyId = await this.controlPlane.inTenant(actor, tenant.home, (tx) => subjectKeyOf(tx, tenant.id, subject));
    if (keyId === undefined) throw none();
    if (dryRun) return { dryRun, cells: await this.count(actor, tenant, keyId) };
    if (confirm !== subject) throw unconfirmed();
    await this.keys.open(tenant);
    const forgotten = await patiently(this.controlPlane, actor, tenant.home, (tx) => this.destroy(tx, actor, tenant.id, keyId));
    this.directory.forget(tenant.id);
    // It is done, and said: what is left is gone on with.
    await this.erase(actor, tenant).catch((err: unknown) => this.left(err));
    return { dryRun, ...forgotten };
  }

  private left(err: unknown): void {
    this.logger.warn({ err }, 'values that nobody can open are left where they were, and will be taken out later');
  }

  private async destroy(tx: SystemTx, actor: Actor, tenantId: string, keyId: string) {
    // First what others may hold for long: nobody who writes waits meanwhile.
    await tellOthers(tx, tenantId);
    await lockKeys(tx, tenantId);
    const at = await destroySubjectKey(tx, tenantId, keyId);
    if (!at) throw none();
    await moveEpochOn(tx, tenantId);
    const receipt: SubjectReceipt = { tenant: tenantId, keyId, at: at.toISOString() };
    const kept = { receipt, jws: this.chain.signSubjectReceipt(receipt) };
    const body = JSON.stringify({ detail: kept });
    await tx.run(auditStatement(tenantId, actor, { action: 'keys.subject-destroyed', body }));
    return kept;
  }

  private async count(actor: Actor, tenant: Tenant, keyId: string): Promise<number> {
    const rows = this.rowsOf(actor, tenant);
    let cells = 0;
    for (const table of await this.tables(actor, tenant)) {
      const [row] = await this.keys.having(tenant, async () => {
        const { epoch } = await this.keys.open(tenant);
        return rows.read(table, { ...heldStatement(table, tenant.id, keyId.replaceAll('-', '')), keys: epoch });
      });
      cells += Number(row?.[0] ?? 0);
    }
    return cells;
  }

  /** Of all keys of the tenant that were destroyed and not yet noted. */
  private async erase(actor: Actor, tenant: Tenant): Promise<void> {
    const { id: tenantId, home } = tenant;
    const keyIds = await this.controlPlane.inTenant(actor, home, (tx) => unerasedSubjects(tx, tenantId));
    if (keyIds.length === 0) return;
    const ids = keyIds.map((id) => id.replaceAll('-', ''));
    const rows = this.rowsOf(actor, tenant);
    for (const table of await this.tables(actor, tenant)) {
      for (let after: readonly string[] | undefined = []; after; ) {
        const behind: readonly string[] = after;
        if (this.periodic.isStopping) return;
        const [last] = await this.keys.having(tenant, async () => {
          const { epoch } = await this.keys.open(tenant);
          return rows.write(table, { ...eraseStatement(table, tenantId, behind, ids), keys: epoch });
        });
        after = last as readonly string[] | undefined;
      }
    }
    await this.keys.having(tenant, async () => {
      const ring = await this.keys.open(tenant);
      await this.controlPlane.inTenant(actor, home, async (tx) => {
        await forgetAnswers(tx, tenantId, ring);
        await noteErased(tx, tenantId, keyIds);
      });
    });
  }

  private rowsOf(actor: Actor, { home }: Tenant): SealedRows {
    return new SealedRows({ controlPlane: this.controlPlane, pool: this.pool }, home, asService(actor));
  }

  /** Those of entities: records and their past. */
  private async tables(actor: Actor, { home }: Tenant): Promise<SealedTable[]> {
    const all = await this.controlPlane.inTenant(actor, home, (tx) => sealedTables(tx, home));
    return all.filter(({ lent }) => lent !== null);
  }

  private async goOn(): Promise<void> {
    for (const tenantId of await this.controlPlane.platform(ACTOR, tenantsWithUnerased)) {
      if (this.periodic.isStopping) return;
      const tenant = await this.directory.find(tenantId);
      if (tenant) await this.erase(ACTOR, tenant);
    }
  }
}

function none(): Problem {
  return new Problem('key/no-subject', 'Nothing of this subject is encrypted under a key that could be destroyed.');
}

function unconfirmed(): Problem {
  const errors = [
    { pointer: '/confirm', rule: 'subject', message: 'has to be the subject once more: nothing brings the values back' },
  ];
  return new Problem('request/invalid', 'See errors for each place and rule.', { errors });
}

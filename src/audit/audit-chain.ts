import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { type ContextKeys, ControlPlane } from '../database/control-plane.js';
import { type DestructionReceipt, signReceipt } from '../model/audit/destruction-receipt.js';
import { type PublicKey, publicKeyOf, readSigningKey, type SigningKey } from '../model/audit/signing-key.js';
import { type SubjectReceipt, signSubjectReceipt } from '../model/audit/subject-receipt.js';
import type { Logger } from '../platform/log.js';
import type { Settings } from '../platform/settings.js';
import { AuditRetention } from './audit-retention.js';
import { chainMetrics } from './chain-metrics.js';
import { Checkpointer } from './checkpointer.js';
import { embeddedSigningKey } from './embedded-signing-key.js';
import { openCheckpointPlace } from './open-checkpoint-place.js';
import { Sealer } from './sealer.js';

/** What keeps the chain of the trail in a process: sealer, checkpoints, partitions; on connections of its own. */

/** One to seal, one for the rest: definitions that take minutes may hold all others. */
const CONNECTIONS = 2;

const CLOSING_MS = 2_000;

interface ChainOptions {
  readonly settings: Settings;
  readonly controlUrl: string;
  readonly contextKeys: ContextKeys;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onError: (error: unknown) => void;
}

export class AuditChain {
  private constructor(
    private readonly controlPlane: ControlPlane,
    readonly sealer: Sealer,
    /** null: there is no key to sign with. */
    readonly checkpointer: Checkpointer | null,
    private readonly retention: AuditRetention,
    /** Of checkpoints, the present one first. */
    readonly keys: readonly PublicKey[],
    /** How long events are kept; 0: for ever. */
    readonly retentionDays: number,
    private readonly signingKey: SigningKey | null,
  ) {}

  /** @throws when a setting is no key or no place */
  static async open({ settings, controlUrl, contextKeys, logger, metrics, onError }: ChainOptions): Promise<AuditChain> {
    const key = await signingKeyOf(settings);
    const former = (settings.AUDIT_FORMER_KEYS ?? '').split(',').filter((x) => x.trim() !== '');
    const keys = [...(key ? [key] : []), ...former.map((x) => publicKeyOf(x.trim()))];
    if (!key)
      logger.warn('AUDIT_SIGNING_KEY is missing: without checkpoints nobody would notice that the end of a trail was cut');
    const place = key && openCheckpointPlace(placeOf(settings), settings.AUDIT_CHECKPOINTS_SECRET);
    if (key && !place)
      logger.warn('AUDIT_CHECKPOINTS is none: checkpoints stay in the database, where a superuser could take them back');
    const controlPlane = new ControlPlane({ url: controlUrl, contextKeys, entities: [], poolSize: CONNECTIONS });
    await controlPlane.connect();
    const sealer = new Sealer(controlPlane, onError);
    const { AUDIT_CHECKPOINT_SECONDS: everySeconds, AUDIT_CHECKPOINT_EVENTS: everyEvents } = settings;
    const { AUDIT_RETENTION_DAYS: retentionDays } = settings;
    const options = key && { key, keys, place, everySeconds, everyEvents, retentionDays };
    const checkpointer = options && new Checkpointer(controlPlane, options, onError);
    chainMetrics(metrics, sealer, checkpointer);
    const retention = new AuditRetention(controlPlane, retentionDays, onError);
    // Before anything is sealed: what is in the default partition by then keeps the month from getting its own.
    await retention.makePartitions().catch(onError);
    return new AuditChain(controlPlane, sealer, checkpointer, retention, keys, retentionDays, key);
  }

  /** A JWS; null: there is no key to sign with. */
  signReceipt(receipt: DestructionReceipt): string | null {
    return this.signingKey && signReceipt(receipt, this.signingKey);
  }

  /** A JWS; null: there is no key to sign with. */
  signSubjectReceipt(receipt: SubjectReceipt): string | null {
    return this.signingKey && signSubjectReceipt(receipt, this.signingKey);
  }

  start(): void {
    this.sealer.start();
    this.checkpointer?.start();
    this.retention.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.sealer.stop(), this.checkpointer?.stop(), this.retention.stop()]);
    // A connection that does not answer would not be given back, and the pool waits for it.
    await Promise.race([this.controlPlane.close(), wait(CLOSING_MS, undefined, { ref: false })]);
  }
}

async function signingKeyOf(settings: Settings): Promise<SigningKey | null> {
  if (settings.AUDIT_SIGNING_KEY) return readSigningKey(settings.AUDIT_SIGNING_KEY);
  return settings.DATABASE_URL ? null : embeddedSigningKey(settings.DATA_DIR);
}

/** The embedded deployment writes them beside its database: enough to see how it works, and no more. */
function placeOf({ AUDIT_CHECKPOINTS, DATABASE_URL, DATA_DIR }: Settings): string {
  return AUDIT_CHECKPOINTS ?? (DATABASE_URL ? 'none' : `file:${resolve(DATA_DIR, 'audit-checkpoints.jsonl')}`);
}

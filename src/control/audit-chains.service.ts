import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { AuditChain } from '../audit/audit-chain.js';
import { type ChainItem, ChainSource } from '../audit/chain-source.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { BUNDLE_FORMAT, type BundleLine } from '../model/audit/bundle.js';
import type { ChainReport } from '../model/audit/chain-report.js';
import { ChainVerifier } from '../model/audit/chain-verifier.js';
import { publicJwk } from '../model/audit/signing-key.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Turns } from '../platform/turns.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** Recomputes the chain of a tenant's trail, and streams it as a bundle; a batch at a time, so that neither holds much. */

/** Of all verifications and exports: requests want most of the connections, and the processor. */
const BATCHES_AT_ONCE = 2;

/** How long a client may take nothing. */
const SILENCE_MS = 60_000;

export interface ToldReport extends ChainReport {
  /** Of what has ended by retention; null: nothing has. */
  readonly ended: { readonly upTo: number; readonly before: string } | null;
}

@Injectable()
export class AuditChainsService {
  private readonly turns = new Turns(BATCHES_AT_ONCE);

  constructor(
    private readonly pool: RuntimePool,
    private readonly controlPlane: ControlPlane,
    private readonly chain: AuditChain,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** JWK Set (RFC 7517) of the keys that checkpoints are signed with, the present one first. */
  get keys(): object {
    return { keys: this.chain.keys.map(publicJwk) };
  }

  /** How many events have been verified, every so often, and at the end the report. */
  async *verify(tenant: Tenant, actor: Actor, from: number): AsyncGenerator<number | ToldReport> {
    const source = await this.open(tenant, actor, from);
    const { head, after, anchorSeq, endedBefore } = source.position;
    const verifier = new ChainVerifier(tenant.id, after, this.chain.keys);
    for await (const items of this.inTurn(source.items())) {
      for (const item of items) verifyItem(verifier, item);
      yield verifier.position.seq - after.seq;
      if (verifier.isDone) break;
    }
    // Only retention may take events away, and it had not come to these.
    if (endedBefore === null && verifier.position.seq < Math.min(anchorSeq, head.seq))
      verifier.blame(verifier.position.seq + 1, 'deleted', `events up to ${anchorSeq} are said to have ended by retention`);
    const sealed = verifier.end(head);
    const unsealed = sealed.valid ? await this.unsealed(source) : null;
    if (unsealed)
      verifier.blame(head.seq + 1, 'unsealed', `event ${unsealed} has no number yet, though it is older than a minute`);
    const ended = endedBefore === null || anchorSeq === 0 ? null : { upTo: anchorSeq, before: endedBefore };
    yield { ...(unsealed ? verifier.end(head) : sealed), ended };
  }

  private async unsealed(source: ChainSource): Promise<string | null> {
    for await (const found of this.inTurn(source.unsealed())) if (found !== null) return found;
    return null;
  }

  /** The bundle, from its first batch on: whatever is wrong with the request is answered before. */
  async export(tenant: Tenant, actor: Actor): Promise<Readable> {
    const source = await this.open(tenant, actor, 1);
    const { logger } = this;
    const chunks = async function* (service: AuditChainsService): AsyncGenerator<Buffer> {
      try {
        for await (const lines of service.lines(tenant, source)) {
          const impatience = setTimeout(() => stream.destroy(new Error('the client of an export takes nothing')), SILENCE_MS);
          try {
            yield Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
          } finally {
            clearTimeout(impatience);
          }
        }
      } catch (err) {
        // The answer has begun: the connection breaks off, so that nobody takes a part for the whole.
        logger.warn({ err, requestId: actor.requestId }, 'an export of the trail was broken off');
        throw err;
      }
    };
    const stream = Readable.from(chunks(this), { objectMode: false });
    return stream;
  }

  private async *lines({ id: tenantId }: Tenant, source: ChainSource): AsyncGenerator<BundleLine[]> {
    const { head, after, endedBefore } = source.position;
    const keys = this.chain.keys.map(({ kid }) => kid);
    const exportedAt = new Date().toISOString();
    yield [{ type: 'header', format: BUNDLE_FORMAT, tenantId, exportedAt, after, endedBefore, keys }];
    for await (const items of this.inTurn(source.items())) yield items.flatMap((item) => bundleLine(item) ?? []);
    yield [{ type: 'end', ...head }];
  }

  private open({ home }: Tenant, actor: Actor, from: number): Promise<ChainSource> {
    return this.turns.run(() => ChainSource.open({ pool: this.pool, home, actor }, this.controlPlane, this.chain, from));
  }

  /** Each step of it in its turn. */
  private async *inTurn<T>(batches: AsyncGenerator<T>): AsyncGenerator<T> {
    for (;;) {
      const { done, value } = await this.turns.run(() => batches.next());
      if (done) return;
      yield value;
    }
  }
}

function verifyItem(verifier: ChainVerifier, item: ChainItem): void {
  if (item.type === 'event') verifier.event(item);
  else if (item.type === 'checkpoint') verifier.checkpointed(item);
  else verifier.blame(item.seq, 'missing-checkpoint', item.detail);
}

/** What is missing leaves a gap, which is what the bundle is verified for. */
function bundleLine(item: ChainItem): BundleLine | null {
  if (item.type === 'missing') return null;
  if (item.type === 'checkpoint') return item;
  return item.event && { type: 'event', seq: item.seq, hash: item.hash, ...item.event };
}

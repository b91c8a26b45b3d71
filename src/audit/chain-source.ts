import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { FoundCheckpoint, FoundEvent, Position } from '../model/audit/chain-report.js';
import { verifiedCheckpoint } from '../model/audit/checkpoint.js';
import { leafHash, MerkleTree } from '../model/audit/merkle-tree.js';
import type { TenantHome } from '../model/entity.js';
import { chainBatch, chainHead, PROOFS_AT_ONCE, proofBatch, unsealedBatch } from './chain-sql.js';
import { checkpointsOf } from './checkpoint-sql.js';
import type { Checkpointer } from './checkpointer.js';

/**
 * The chain of one tenant as it is in the database, in the order in which it is verified and exported: events, and behind the
 * event it vouches for, each checkpoint. Read as that tenant in short transactions, some events at a time; what belongs to all
 * tenants, as the control plane.
 */

const BATCH_ROWS = 500;
const BATCH_BYTES = 4_000_000;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'audit-chain' };

export type ChainItem =
  | ({ readonly type: 'event' } & FoundEvent)
  | ({ readonly type: 'checkpoint' } & FoundCheckpoint)
  /** Something that was said to be there is not. */
  | { readonly type: 'missing'; readonly seq: number; readonly detail: string };

export interface ChainHead {
  readonly head: Position;
  /** What comes before the first event that is asked for. */
  readonly after: Position;
  /** The last event that has ended by retention, or is said to; 0: none has. */
  readonly anchorSeq: number;
  /** Before when everything that was sealed has ended; null also when retention is no excuse for it. */
  readonly endedBefore: string | null;
}

/** By which chains are looked at. */
interface ChainRules {
  /** null: nothing is signed. */
  readonly checkpointer: Checkpointer | null;
  /** How long events are kept; 0: for ever. */
  readonly retentionDays: number;
}

export interface ChainReader {
  readonly pool: RuntimePool;
  readonly home: TenantHome;
  readonly actor: Actor;
}

export class ChainSource {
  private readonly proofs: FoundCheckpoint[] = [];
  private lastProof = 0;
  private hasMoreProofs = true;

  private constructor(
    private readonly reader: ChainReader,
    private readonly controlPlane: ControlPlane,
    /** The latest checkpoint, if the tenant is in it. */
    private readonly latest: FoundCheckpoint | { readonly detail: string } | null,
    readonly position: ChainHead,
  ) {}

  /** @param from the first event that is asked for; 1 or less: all there is */
  static async open(
    reader: ChainReader,
    controlPlane: ControlPlane,
    { checkpointer, retentionDays }: ChainRules,
    from: number,
  ): Promise<ChainSource> {
    // Before the head, which is then not behind it.
    const latest = checkpointer && (await latestProof(checkpointer, reader.home.tenantId));
    const [row] = await read(reader, chainHead(reader.home.tenantId, from));
    const [seq, hash, anchorSeq, anchorHash, before, startHash] = row ?? ['0', ZEROS, '0', ZEROS, null, null];
    const endedBefore = isOutlived(before ?? null, retentionDays) ? (before as string) : null;
    // Without an excuse for what is missing, all is looked for from the first event on.
    const anchor =
      endedBefore !== null && anchorSeq !== '0'
        ? { seq: Number(anchorSeq), hash: anchorHash as string }
        : { seq: 0, hash: ZEROS };
    const head = { seq: Number(seq), hash: hash as string };
    // Without the event before, the whole is looked at: it is what is missing.
    const asked = startHash ? { seq: from - 1, hash: startHash } : anchor;
    const after = from > head.seq ? head : from <= anchor.seq + 1 ? anchor : asked;
    return new ChainSource(reader, controlPlane, latest, { head, after, anchorSeq: Number(anchorSeq), endedBefore });
  }

  /** Batches, so that whoever reads can give way in between. */
  async *items(): AsyncGenerator<readonly ChainItem[]> {
    const { head, after } = this.position;
    for (let seq = after.seq; ; ) {
      const events = seq < head.seq ? await this.events(seq, head.seq) : [];
      const last = events.at(-1)?.seq ?? head.seq;
      const items: ChainItem[] = [];
      let next = 0;
      for (const checkpoint of await this.checkpointsUntil(last)) {
        while (next < events.length && (events[next] as { seq: number }).seq <= checkpoint.seq)
          items.push(eventItem(events[next++]));
        items.push(checkpoint);
      }
      while (next < events.length) items.push(eventItem(events[next++]));
      yield items;
      if (events.length === 0 || last >= head.seq) break;
      seq = last;
    }
    // Of events that should be there, and are not.
    if (this.proofs.length > 0) yield this.proofs.map(checkpointItem);
    if (this.latest && 'detail' in this.latest) yield [{ type: 'missing', seq: head.seq, detail: this.latest.detail }];
  }

  /** The first event that has not been sealed for a minute, in batches; null at the end: there is none. */
  async *unsealed(): AsyncGenerator<string | null> {
    for (let after: string | null = null; ; ) {
      const [row]: readonly Row[] = await read(
        this.reader,
        unsealedBatch(this.reader.home.tenantId, after, this.position.endedBefore),
      );
      const [unsealed, last] = row ?? [null, null];
      yield unsealed ?? null;
      if (unsealed || !last) return;
      after = last;
    }
  }

  private async events(after: number, until: number): Promise<FoundEvent[]> {
    const limits = { rows: BATCH_ROWS, bytes: BATCH_BYTES };
    return (await read(this.reader, chainBatch(this.reader.home.tenantId, after, until, limits))).map(eventOf);
  }

  /** Those of events up to this one that have not been given yet, in order of their numbers. */
  private async checkpointsUntil(seq: number): Promise<ChainItem[]> {
    while (this.hasMoreProofs && (this.proofs.at(-1)?.seq ?? 0) <= seq) await this.readProofs();
    const end = this.proofs.findIndex((proof) => proof.seq > seq);
    return this.proofs.splice(0, end < 0 ? this.proofs.length : end).map(checkpointItem);
  }

  /** The latest one, in which the tenant is though it may not have moved, comes last. */
  private async readProofs(): Promise<void> {
    const statement = proofBatch(this.reader.home.tenantId, this.lastProof, this.position.after.seq);
    const found = await this.withJws((await read(this.reader, statement)).map(proofOf));
    const latest = this.latest && 'number' in this.latest ? this.latest : null;
    this.proofs.push(...found.filter(({ number }) => number < (latest?.number ?? Number.POSITIVE_INFINITY)));
    this.hasMoreProofs = found.length === PROOFS_AT_ONCE;
    this.lastProof = found.at(-1)?.number ?? this.lastProof;
    if (!this.hasMoreProofs && latest) this.proofs.push(latest);
  }

  private async withJws(proofs: readonly FoundCheckpoint[]): Promise<FoundCheckpoint[]> {
    if (proofs.length === 0) return [];
    const rows = await this.controlPlane.platform(ACTOR, (tx) =>
      tx.run<{ number: string; jws: string }>(checkpointsOf(proofs.map(({ number }) => number))),
    );
    const texts = new Map(rows.map(({ number, jws }) => [Number(number), jws]));
    return proofs.map((proof) => ({ ...proof, jws: texts.get(proof.number) ?? '' }));
  }
}

const ZEROS = '0'.repeat(64);

function read({ pool, home, actor }: ChainReader, statement: Parameters<TenantTx['last']>[0]): Promise<readonly Row[]> {
  return TenantTx.run(pool, home, actor, { readOnly: true }, (tx) => tx.last(statement));
}

const DAY_MS = 86_400_000;

/** Whether retention can have come to what was sealed before that time. */
function isOutlived(before: string | null, retentionDays: number): boolean {
  return before !== null && retentionDays > 0 && Date.parse(before) <= Date.now() - retentionDays * DAY_MS;
}

/**
 * That the tenant's head is in the latest checkpoint, whether it has moved since the one before or not. Without one, the
 * checkpoint has to vouch for that too: a tenant of which everything was taken away is among those it was signed for.
 */
async function latestProof(checkpointer: Checkpointer, tenantId: string): Promise<FoundCheckpoint | { detail: string } | null> {
  const latest = await checkpointer.latest();
  const number = latest?.number ?? 0;
  if (number < checkpointer.lastKnown) return { detail: `checkpoint ${checkpointer.lastKnown} was sent, and is gone` };
  const leafIndex = latest?.leaves.findIndex((leaf) => leaf.tenantId === tenantId) ?? -1;
  const leaf = latest?.leaves[leafIndex];
  if (!latest) return null;
  const tree = new MerkleTree(latest.leaves.map(leafHash));
  if (!leaf) {
    const said = verifiedCheckpoint(latest.jws, checkpointer.keys);
    if (said?.root === tree.root.toString('hex')) return null;
    return { detail: `the heads that are kept are not those that checkpoint ${number} was signed for` };
  }
  const path = tree.proof(leafIndex).map((node) => node.toString('hex'));
  return { number, jws: latest.jws, seq: leaf.seq, hash: leaf.hash.toString('hex'), leafIndex, path };
}

function eventItem(event: FoundEvent | undefined): ChainItem {
  return { type: 'event', ...(event as FoundEvent) };
}

function checkpointItem(found: FoundCheckpoint): ChainItem {
  if (found.jws === '') return { type: 'missing', seq: found.seq, detail: `checkpoint ${found.number} is gone` };
  return { type: 'checkpoint', ...found };
}

function eventOf([seq, hash, eventId, occurredAt, actor, requestId, action, entity, recordId, body]: Row): FoundEvent {
  const event = eventId && {
    ...{ eventId, occurredAt: occurredAt as string, actor: actor as string, requestId: requestId as string },
    ...{ action: action as string, entity: entity ?? null, recordId: recordId ?? null, body: body as string },
  };
  return { seq: Number(seq), hash: hash as string, event: event || null };
}

function proofOf([number, seq, hash, leafIndex, path]: Row): FoundCheckpoint {
  const nodes = (path as string).match(/.{64}/g) ?? [];
  return { number: Number(number), jws: '', seq: Number(seq), hash: hash as string, leafIndex: Number(leafIndex), path: nodes };
}

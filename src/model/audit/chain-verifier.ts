import { type ChainedEvent, chainHash, isSealedHash } from './chain-hash.js';
import type { ChainReport, Fault, FirstBad, FoundCheckpoint, FoundEvent, Position } from './chain-report.js';
import { verifiedCheckpoint } from './checkpoint.js';
import { leafHash, provenRoot } from './merkle-tree.js';
import type { PublicKey } from './signing-key.js';

/**
 * Recomputes the chain of one tenant from events and checkpoints as they come, in the order of their numbers, and names the first
 * that is wrong. Holds one hash, and a few events more once something is wrong: how long a trail is does not matter.
 */

/** How far ahead what belongs in a place is looked for, before it is said to be gone. */
const LOOK_AHEAD = 256;

interface Suspect extends FirstBad {
  readonly before: Buffer;
  readonly hash: string;
}

export class ChainVerifier {
  private seq: number;
  private hash: Buffer;
  private confirmed: number;
  private checkpoints = 0;
  private checkpoint: ChainReport['checkpoint'] = null;
  /** A checkpoint of an event that has not come: none will, or those before it are gone. */
  private awaited: FoundCheckpoint | null = null;
  private suspect: Suspect | null = null;
  private ahead = 0;
  private firstBad: FirstBad | null = null;

  /** @param start what comes before the first event to verify, as the anchor of a retention, or a former verification, says */
  constructor(
    private readonly tenantId: string,
    private readonly start: Position,
    private readonly keys: readonly PublicKey[],
  ) {
    this.seq = start.seq;
    this.hash = Buffer.from(start.hash, 'hex');
    this.confirmed = start.seq;
  }

  /** What was found cannot change any more. */
  get isDone(): boolean {
    return this.firstBad !== null;
  }

  event(found: FoundEvent): void {
    if (this.firstBad) return;
    if (this.suspect) {
      this.lookFor(this.suspect, found);
      return;
    }
    const seq = this.seq + 1;
    const hash = found.seq === seq && found.event ? this.hashOf(this.hash, seq, found.event) : null;
    if (hash?.toString('hex') !== found.hash) {
      this.suspect = { seq, before: this.hash, hash: found.seq === seq ? found.hash : '', ...this.suspicion(seq, found) };
      if (found.seq > seq) this.lookFor(this.suspect, found);
      return;
    }
    if (this.awaited) this.misplaced(this.awaited);
    this.seq = seq;
    this.hash = hash as Buffer;
  }

  private suspicion(seq: number, found: FoundEvent): Pick<FirstBad, 'reason' | 'detail'> {
    if (found.seq > seq) return { reason: 'deleted', detail: `what comes after ${this.seq} is ${found.seq}` };
    if (found.seq < seq) return { reason: 'reordered', detail: `number ${found.seq} stands behind ${this.seq}` };
    if (found.event === null) return { reason: 'deleted', detail: 'its number and hash are there, and the event is not' };
    return { reason: 'edited', detail: 'the hash is not that of what comes before, the number, the tenant and the event' };
  }

  /** Something is wrong with a place: what belongs there may stand further on. */
  private lookFor({ seq, before, hash, ...said }: Suspect, found: FoundEvent): void {
    const actual = (found.event && this.hashOf(before, seq, found.event))?.toString('hex') ?? null;
    if (actual !== null && (actual === hash || actual === found.hash)) {
      this.firstBad = { seq, reason: 'reordered', detail: `what belongs here stands at ${found.seq}` };
    } else if (++this.ahead >= LOOK_AHEAD) this.firstBad = { ...said, seq };
  }

  /** Right after the event whose seq it has; those of earlier ones than are verified are passed over. */
  checkpointed(found: FoundCheckpoint): void {
    if (this.firstBad || this.suspect || found.seq < this.start.seq) return;
    const said = verifiedCheckpoint(found.jws, this.keys);
    const leaf = leafHash({ tenantId: this.tenantId, seq: found.seq, hash: Buffer.from(found.hash, 'hex') });
    const path = found.path.map((node) => Buffer.from(node, 'hex'));
    const isExact = [found.hash, ...found.path].every(isSealedHash);
    const root = said && isExact && provenRoot(leaf, found.leafIndex, said.size, path)?.toString('hex');
    if (!said || said.number !== found.number) {
      this.blame(found.seq, 'forged-checkpoint', `none of the public keys has signed checkpoint ${found.number}`);
    } else if (root !== said.root) {
      this.blame(found.seq, 'forged-checkpoint', `the proof does not lead to the root of checkpoint ${found.number}`);
    } else if (found.seq > this.seq) {
      this.awaited ??= found;
    } else if (found.seq === this.seq && found.hash !== this.hash.toString('hex')) {
      const detail = `the hash is not that of checkpoint ${found.number}: from ${this.confirmed + 1} on, events may be others`;
      this.blame(found.seq, 'rewritten', detail);
    } else if (found.seq < this.seq) {
      this.misplaced(found);
    } else {
      this.checkpoints++;
      this.confirmed = found.seq;
      this.checkpoint = { number: said.number, time: said.time, seq: found.seq };
    }
  }

  private misplaced({ seq, number }: FoundCheckpoint): void {
    this.blame(seq, 'forged-checkpoint', `checkpoint ${number} is not in its place, where it could be compared`);
  }

  /** For what the chain itself does not tell; what was found before it stays. */
  blame(seq: number, reason: Fault, detail: string): void {
    this.conclude();
    this.firstBad ??= { seq, reason, detail };
  }

  get position(): Position {
    return { seq: this.seq, hash: this.hash.toString('hex') };
  }

  /** @param head where the chain is said to end */
  end(head: Position): ChainReport {
    this.conclude();
    const { seq, hash } = this.position;
    if (this.awaited)
      this.blame(seq + 1, 'truncated', `checkpoint ${this.awaited.number} vouches for ${this.awaited.seq} events`);
    if (head.seq > seq) this.blame(seq + 1, 'truncated', `the chain has ${seq} events, and is said to have ${head.seq}`);
    else if (head.seq !== seq || head.hash !== hash) this.blame(seq, 'rewritten', 'the chain does not end as it is said to');
    return {
      valid: this.firstBad === null,
      tenantId: this.tenantId,
      from: this.start.seq + 1,
      events: seq - this.start.seq,
      head: { seq, hash },
      checkpoints: this.checkpoints,
      checkpoint: this.checkpoint,
      ...(this.firstBad && { firstBad: this.firstBad }),
    };
  }

  private conclude(): void {
    if (!this.suspect) return;
    const { seq, reason, detail } = this.suspect;
    this.firstBad ??= { seq, reason, detail };
  }

  private hashOf(before: Buffer, seq: number, event: ChainedEvent): Buffer | null {
    try {
      return chainHash(before, seq, this.tenantId, event);
    } catch {
      return null;
    }
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import { checkpointDigest, signCheckpoint, verifiedCheckpoint } from '../model/audit/checkpoint.js';
import { type Head, leafHash, MerkleTree } from '../model/audit/merkle-tree.js';
import type { PublicKey, SigningKey } from '../model/audit/signing-key.js';
import { Periodic } from '../platform/periodic.js';
import type { CheckpointPlace } from './checkpoint-place.js';
import {
  CHECKPOINTED_HEADS,
  contradictions,
  HEADS,
  type HeadRow,
  insertCheckpoint,
  insertProofs,
  LATEST,
  type LatestRow,
  markSent,
  SEALED_STATE,
  type SealedState,
  TAKE_TURN,
  UNSENT,
} from './checkpoint-sql.js';

/**
 * Signs what all trails are, every so often, and sends it to a place that whoever has the database does not have. It signs only
 * what goes on from what was signed before: a trail that was cut or rewritten never gets a signature, and says so in the log.
 */

const EVERY_MS = 1_000;
/** How long a stopping service lets the place take what is under way. */
const LAST_SENDING_MS = 3_000;
/** How long it may take to be given up. */
const CLOSING_MS = 500;
const MOST_SKIPPED = 60;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'checkpoints' };

/** The trail is not what was signed before; nothing is signed until somebody has looked. */
export class TamperedTrail extends Error {
  constructor(detail: string) {
    super(`the audit trail is not what was signed before: ${detail}`);
    this.name = 'TamperedTrail';
  }
}

export interface CheckpointOptions {
  readonly key: SigningKey;
  /** With the signing one: those that have signed before. */
  readonly keys: readonly PublicKey[];
  /** null: checkpoints stay in the database. */
  readonly place: CheckpointPlace | null;
  readonly everySeconds: number;
  readonly everyEvents: number;
  /** How long events are kept; 0: for ever. */
  readonly retentionDays: number;
}

interface Known {
  readonly number: number;
  readonly jws: string;
}

export class Checkpointer {
  /** For metrics: what the last look found. */
  readonly state = { events: 0, number: 0, unsent: 0, faults: 0 };
  private readonly periodic: Periodic;
  private readonly giveUp = new AbortController();
  private looking: Promise<void> | null = null;
  private failures = 0;
  private skip = 0;
  /** The last one this process knows of, from the place or from its own work: the database may not fall behind it. */
  private known: Known | null = null;
  private hasAsked = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly options: CheckpointOptions,
    private readonly onError: (error: unknown) => void,
  ) {
    this.periodic = new Periodic(EVERY_MS, () => this.round(), onError);
  }

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    const impatience = setTimeout(() => this.giveUp.abort(), LAST_SENDING_MS);
    const ended = this.periodic.stop().then(() => this.looking);
    // The database may not answer either, and a place may not notice that it is given up.
    const quiet = ended.catch(() => {}).then(() => this.options.place?.close());
    await Promise.race([quiet, wait(LAST_SENDING_MS + CLOSING_MS, undefined, { ref: false })]);
    clearTimeout(impatience);
  }

  get keys(): readonly PublicKey[] {
    return this.options.keys;
  }

  /** The number of the last checkpoint that is known outside of the database. */
  get lastKnown(): number {
    return this.known?.number ?? 0;
  }

  /** One at a time; what fails is tried again, less and less often. */
  private async round(): Promise<void> {
    if (this.looking || --this.skip > 0) return;
    this.looking = this.work();
    try {
      await this.looking;
      this.failures = 0;
    } catch (error) {
      this.skip = Math.min(MOST_SKIPPED, 2 ** this.failures++);
      this.onError(error);
    } finally {
      this.looking = null;
    }
  }

  private async work(): Promise<void> {
    await this.take(false);
    await this.send();
  }

  /**
   * Takes a checkpoint if one is due; `now`: if anything was sealed since the last.
   * @throws TamperedTrail
   */
  async take(now: boolean): Promise<void> {
    if (!this.hasAsked) {
      this.known = (await this.options.place?.last()) ?? this.known;
      this.hasAsked = true;
    }
    try {
      const taken = await this.controlPlane.platform(ACTOR, (tx) => this.takeInTurn(tx, now));
      if (taken) this.known = taken;
      this.state.faults = 0;
    } catch (error) {
      if (error instanceof TamperedTrail) this.state.faults = 1;
      throw error;
    }
  }

  private async takeInTurn(tx: SystemTx, now: boolean): Promise<Known | null> {
    const [turn] = await tx.run<{ mine: boolean }>(TAKE_TURN);
    const [state] = await tx.run<SealedState>(SEALED_STATE);
    if (!state) throw new Error('the state of the sealer is gone');
    Object.assign(this.state, { events: Number(state.events), number: Number(state.number ?? 0), unsent: Number(state.unsent) });
    if (!turn?.mine || !this.isDue(state, now)) return null;
    const heads = (await tx.run<HeadRow>(HEADS)).map(headOf);
    const before = (await tx.run<HeadRow>(CHECKPOINTED_HEADS)).map(headOf);
    this.assertKept(state, before);
    const [contradiction] = await tx.run<{ tenant_id: string; seq: string }>(contradictions(this.options.retentionDays));
    if (contradiction) {
      const { tenant_id, seq } = contradiction;
      throw new TamperedTrail(`that of ${tenant_id} does not go on from its event ${seq}, or does not end with its head`);
    }
    const tree = new MerkleTree(heads.map(leafHash));
    const number = Number(state.number ?? 0) + 1;
    const jws = signCheckpoint(
      {
        ...{ number, time: state.now.toISOString(), size: heads.length, root: tree.root.toString('hex') },
        previous: state.jws === null ? null : checkpointDigest(state.jws),
      },
      this.options.key,
    );
    const leaves = new Map(before.map(({ tenantId, seq }) => [tenantId, seq]));
    const moved = heads.flatMap((head, leafIndex) =>
      leaves.get(head.tenantId) === head.seq ? [] : [{ ...head, leafIndex, path: tree.proof(leafIndex) }],
    );
    await tx.run(insertCheckpoint({ number, events: state.events, jws, isSent: this.options.place === null }));
    await tx.run(insertProofs(number, moved));
    return { number, jws };
  }

  private isDue({ events, checkpointed, seconds_ago }: SealedState, now: boolean): boolean {
    const since = Number(events) - Number(checkpointed ?? 0);
    if (since <= 0) return false;
    return now || seconds_ago === null || since >= this.options.everyEvents || seconds_ago >= this.options.everySeconds;
  }

  /** What the database has of the last checkpoint is what was signed. */
  private assertKept({ number, jws }: SealedState, leaves: readonly Head[]): void {
    if (
      this.known &&
      (this.known.number > Number(number ?? 0) || (this.known.number === Number(number) && this.known.jws !== jws))
    ) {
      throw new TamperedTrail(`checkpoint ${this.known.number}, which was sent, is gone or another`);
    }
    if (number === null || jws === null) return;
    const said = verifiedCheckpoint(jws, this.options.keys);
    if (!said || said.number !== Number(number))
      throw new TamperedTrail(`none of the known keys has signed checkpoint ${number}`);
    if (new MerkleTree(leaves.map(leafHash)).root.toString('hex') !== said.root) {
      throw new TamperedTrail(`the heads that are kept are not those of checkpoint ${number}`);
    }
  }

  /** Until nothing is left; another instance may send the same meanwhile. */
  async send(): Promise<void> {
    const { place } = this.options;
    if (!place) return;
    for (;;) {
      const unsent = await this.controlPlane.platform(ACTOR, (tx) => tx.run<{ number: string; jws: string }>(UNSENT));
      if (unsent.length === 0 || this.periodic.isStopping) return;
      const checkpoints = unsent.map(({ number, jws }) => ({ number: Number(number), jws }));
      await place.send(checkpoints, this.giveUp.signal);
      await this.controlPlane.platform(ACTOR, (tx) => tx.run(markSent(checkpoints.map(({ number }) => number))));
    }
  }

  /** The leaves of the latest checkpoint's tree with the checkpoint itself; null: there is none. */
  async latest(): Promise<{ number: number; jws: string; leaves: readonly Head[] } | null> {
    const [last, ...heads] = await this.controlPlane.platform(ACTOR, (tx) => tx.run<LatestRow>(LATEST));
    if (!last?.jws) return null;
    return { number: Number(last.number), jws: last.jws, leaves: heads.map((row) => headOf(row as HeadRow)) };
  }
}

function headOf({ tenant_id, seq, hash }: HeadRow): Head {
  return { tenantId: tenant_id, seq: Number(seq), hash };
}

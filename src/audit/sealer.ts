import { setTimeout as wait } from 'node:timers/promises';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';

/**
 * Has the database seal what has been committed: every event gets its number and its hash within half a second when there is
 * little, and some 25,000 a second when there is much. Every instance asks; whose turn it is decides the database, and whoever
 * dies, or is cut off, has done a batch whole or not at all.
 */

const IDLE_MS = 400;
const LONGEST_PAUSE_MS = 30_000;

/** Events in one transaction: a fifth of a second. Fewer after one that took too long, down to one of a marker. */
const BATCH = 5_000;
const STATEMENT_TIMEOUT_MS = 20_000;

/** How long a stopping service waits for the batch in hand; the database ends it all the same, or not at all. */
const LAST_BATCH_MS = 3_000;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'sealer' };

const QUERY_CANCELED = '57014';

export class Sealer {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private batch = BATCH;
  /** Attempts in a row. */
  failures = 0;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly onError: (error: unknown) => void,
    private readonly idleMs = IDLE_MS,
  ) {}

  start(): void {
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await Promise.race([this.running, wait(LAST_BATCH_MS, undefined, { ref: false })]);
  }

  /** Until nothing is left, or it is another's turn; for those who cannot wait. */
  async sealAll(): Promise<void> {
    while ((await this.seal()) > 0 && !this.stopped);
  }

  private schedule(delay: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.turn();
    }, delay);
    this.timer.unref();
  }

  private async turn(): Promise<void> {
    try {
      const markers = await this.seal();
      this.failures = 0;
      this.batch = Math.min(BATCH, this.batch * 2);
      this.schedule(markers > 0 ? 0 : this.idleMs);
    } catch (error) {
      if ((error as { code?: unknown }).code === QUERY_CANCELED) this.batch = Math.max(1, Math.floor(this.batch / 2));
      this.onError(error);
      this.schedule(Math.min(LONGEST_PAUSE_MS, this.idleMs * 2 ** this.failures) * (0.5 + Math.random()));
      this.failures++;
    }
  }

  /** One batch; returns how many markers were taken, 0 also when it is another instance's turn. */
  async seal(): Promise<number> {
    return this.controlPlane.platform(ACTOR, async (tx) => {
      await tx.manager.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
      const [sealed] = await tx.run<{ markers: number | null }>({
        text: 'select audit.seal($1) as markers',
        values: [String(this.batch)],
      });
      return sealed?.markers ?? 0;
    });
  }
}

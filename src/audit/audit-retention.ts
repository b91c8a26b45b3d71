import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import { Periodic } from '../platform/periodic.js';

/**
 * The partitions of the trail: makes those of the months to come, and drops those that have outlived their retention, once all
 * they hold is published and checkpointed. No write waits for it for longer than 0.2 s: a lock that cannot be had by then is
 * given up.
 */

const EVERY_MS = 600_000;
const MONTHS_AHEAD = 3;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'audit-retention' };

export class AuditRetention {
  private readonly periodic: Periodic;

  /** @param days 0: for ever */
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly days: number,
    onError: (error: unknown) => void,
  ) {
    this.periodic = new Periodic(EVERY_MS, () => this.sweep(), onError);
  }

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  private async sweep(): Promise<void> {
    await this.makePartitions();
    if (this.days > 0) await this.dropOutlived();
  }

  async makePartitions(): Promise<void> {
    await this.controlPlane.platform(ACTOR, (tx) =>
      tx.run({ text: 'select audit.make_partitions($1)', values: [String(MONTHS_AHEAD)] }),
    );
  }

  /** Each in a transaction of its own. */
  private async dropOutlived(): Promise<void> {
    for (let dropped: string | null = ''; dropped !== null && !this.periodic.isStopping; ) {
      dropped = await this.controlPlane.platform(ACTOR, async (tx) => {
        const [row] = await tx.run<{ dropped: string | null }>({
          text: 'select audit.drop_outlived(now() - make_interval(days => $1)) as dropped',
          values: [String(this.days)],
        });
        return row?.dropped ?? null;
      });
    }
  }
}

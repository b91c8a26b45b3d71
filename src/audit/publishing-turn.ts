import { randomUUID } from 'node:crypto';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import { Periodic } from '../platform/periodic.js';
import type { AuditSink } from './audit-sink.js';

/**
 * Whose turn it is to publish to a place: one instance of all. A lease of a few seconds that is renewed while it works; the fence
 * in it keeps an instance that has slept through its end from saying anything more.
 */

export const PUBLISHER: Actor = { subject: 'business-store', roles: [], requestId: 'audit-publisher' };

/** How long the turn of a killed instance still holds the others up. */
const LEASE_MS = 6_000;
const BEAT_MS = 2_000;

export interface Turn {
  readonly sink: string;
  readonly holder: string;
  /** bigint, in decimal */
  readonly fence: string;
  /** When it is over. */
  readonly over: AbortSignal;
}

export class PublishingTurn {
  private held: (Turn & { readonly end: () => void }) | null = null;
  private expiry: NodeJS.Timeout | null = null;
  private beating = false;
  private isReachable = true;
  private readonly holder = randomUUID();
  private readonly heart: Periodic;

  /** @param from where a place that was never published to begins */
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly sink: Pick<AuditSink, 'name' | 'label'>,
    private readonly from: 'begin' | 'now',
    onError: (error: unknown) => void,
  ) {
    this.heart = new Periodic(BEAT_MS, () => this.beat(), onError);
  }

  /** null while it is another's. */
  get current(): Turn | null {
    return this.held;
  }

  /** Resolves once the place is registered as used; rejects when that is not known. */
  async start(): Promise<void> {
    await this.beat();
    this.heart.start();
  }

  /** Leaves it to the others at once. */
  async stop(): Promise<void> {
    await this.heart.stop();
    const { held } = this;
    this.lose();
    // A database that does not answer is not waited for twice: the turn ends by itself.
    if (!held || !this.isReachable) return;
    await this.controlPlane.platform(PUBLISHER, (tx) =>
      tx.run({
        text: `update audit.sinks
set holds_until = '-infinity'
where sink = $1
  and holder = $2::uuid
  and fence = $3::bigint`,
        values: [held.sink, held.holder, held.fence],
      }),
    );
  }

  private async beat(): Promise<void> {
    // One that hangs ends by itself; meanwhile the turn may end.
    if (this.beating) return;
    this.beating = true;
    try {
      const asked = performance.now();
      this.isReachable = false;
      const fence = await this.take();
      this.isReachable = true;
      if (fence !== this.held?.fence) this.lose();
      if (fence !== null) this.hold(fence, asked + LEASE_MS - performance.now());
    } finally {
      this.beating = false;
    }
  }

  private hold(fence: string, ms: number): void {
    if (this.expiry) clearTimeout(this.expiry);
    this.expiry = setTimeout(() => this.lose(), ms);
    this.expiry.unref();
    if (this.held) return;
    const ending = new AbortController();
    const { holder } = this;
    this.held = { sink: this.sink.name, holder, fence, over: ending.signal, end: () => ending.abort() };
  }

  private lose(): void {
    if (this.expiry) clearTimeout(this.expiry);
    this.held?.end();
    this.held = null;
  }

  /** Registers the place, takes the turn or renews it; null when another has it. */
  private take(): Promise<string | null> {
    return this.controlPlane.platform(PUBLISHER, async (tx) => {
      const [turn] = await tx.run<{ fence: string; is_new: boolean }>({
        text: `insert into audit.sinks as s (sink, label, holder, holds_until)
values ($1, $2, $3::uuid, clock_timestamp() + make_interval(secs => $4::double precision))
on conflict (sink) do update
  set label = excluded.label,
      used_at = clock_timestamp(),
      holder = excluded.holder,
      holds_until = excluded.holds_until,
      fence = case when s.holder = excluded.holder then s.fence else s.fence + 1 end
  where s.holder = excluded.holder
    or s.holds_until < clock_timestamp()
returning s.fence, s.used_at = s.created_at as is_new`,
        values: [this.sink.name, this.sink.label, this.holder, String(LEASE_MS / 1_000)],
      });
      if (turn?.is_new && this.from === 'now') {
        await tx.run({
          text: `insert into audit.publishing (sink, tenant_id, seq)
select $1, tenant_id, seq
from audit.heads`,
          values: [this.sink.name],
        });
      }
      return turn?.fence ?? null;
    });
  }
}

import type { ControlPlane } from '../database/control-plane.js';

/**
 * Publishes audit events as CloudEvents 1.0, at least once: an event's marker is deleted in the transaction that holds it
 * locked, after the sink has taken it. A sink that fails keeps its events; the next round tries again, with backoff.
 */

const BATCH = 500;
const IDLE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** How long a stopping service lets the sink take the batch in hand; it comes again after the next start. */
const LAST_BATCH_MS = 3_000;

/** One instance publishes at a time: two at once would deliver a tenant's later events before its earlier ones. */
const TURN_LOCK = 0x6273_7361;

/** Takes a batch or rejects, soon after the signal; a batch may come again. */
export type AuditSink = (events: readonly CloudEvent[], signal: AbortSignal) => Promise<void>;

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly tenantid: string;
  readonly data: unknown;
}

interface EventRow {
  tenant_id: string;
  event_id: string;
  occurred_at: Date;
  actor: string;
  request_id: string;
  action: string;
  entity: string | null;
  record_id: string | null;
  body: string;
}

export class AuditPublisher {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly giveUp = new AbortController();

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly sink: AuditSink,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.schedule(0, 0);
  }

  /** Waits for the batch in hand, within limits. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    const impatience = setTimeout(() => this.giveUp.abort(), LAST_BATCH_MS);
    await this.running;
    clearTimeout(impatience);
  }

  private schedule(delay: number, failures: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.publishBatch().then(
        (count) => this.schedule(count >= BATCH ? 0 : IDLE_MS, 0),
        (error: unknown) => {
          this.onError(error);
          this.schedule(Math.min(LONGEST_PAUSE_MS, IDLE_MS * 2 ** failures) * (0.5 + Math.random()), failures + 1);
        },
      );
    }, delay);
    this.timer.unref();
  }

  /** Returns how many events were published; 0 also when it is another instance's turn. */
  async publishBatch(): Promise<number> {
    const actor = { subject: 'business-store', roles: [], requestId: 'audit-publisher' };
    return this.controlPlane.platform(actor, async (tx) => {
      const [turn] = await tx.run<{ mine: boolean }>({
        text: 'select pg_try_advisory_xact_lock($1) as mine',
        values: [String(TURN_LOCK)],
      });
      if (!turn?.mine) return 0;
      const rows = await tx.run<EventRow>({ text: 'select * from audit.take_pending($1)', values: [String(BATCH)] });
      if (rows.length === 0) return 0;
      await this.sink(rows.map(cloudEvent), this.giveUp.signal);
      await tx.manager.query('select audit.mark_published($1)', [rows.map((row) => row.event_id)]);
      return rows.length;
    });
  }
}

function cloudEvent(row: EventRow): CloudEvent {
  return {
    specversion: '1.0',
    id: row.event_id,
    source: `urn:bss:tenant:${row.tenant_id}`,
    type: `business-store.${row.action}`,
    ...(row.entity === null ? {} : { subject: row.record_id === null ? row.entity : `${row.entity}/${row.record_id}` }),
    time: row.occurred_at.toISOString(),
    datacontenttype: 'application/json',
    tenantid: row.tenant_id,
    data: { actor: row.actor, requestId: row.request_id, ...bodyOf(row) },
  };
}

/** A body that is not a JSON object goes out as it is: no tenant's event holds up those of the others. */
function bodyOf({ body }: EventRow): object {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Told below.
  }
  return { text: body };
}

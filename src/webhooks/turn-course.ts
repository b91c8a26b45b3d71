import { FAILURES_TO_PAUSE, pauseAfter, waitAfter } from './retry-schedule.js';
import type { PostOutcome } from './safe-requests.js';
import type { DeliveryOutcome, DueRow, EventRow } from './turn-sql.js';

/** How a turn goes: what became of each event, and what that says of the receiver. Without any I/O. */

/** Dead letters one after the other, with nothing delivered between them. */
const MOST_DEAD_LETTERS = 50;

const GONE = 410;

/** One event to send. */
export interface Errand {
  readonly event: EventRow | DueRow;
  /** Attempts before this one. */
  readonly tries: number;
}

export function errandsOf(events: readonly (EventRow | DueRow)[]): Errand[] {
  return events.map((event) => ({ event, tries: 'tries' in event ? event.tries : 0 }));
}

export class TurnCourse {
  private readonly done = new Map<Errand, DeliveryOutcome>();
  private retryAfter: number | null = null;
  private isGone = false;
  /** Whether anything was sent at all. */
  attempted = false;
  /** Whether anything was delivered. */
  succeeded = false;

  constructor(
    /** Attempts that failed in a row. */
    public failures: number,
    /** Deliveries given up in a row. */
    public deadLetters: number,
    private readonly random: () => number = Math.random,
  ) {}

  get outcomes(): readonly DeliveryOutcome[] {
    return [...this.done.values()];
  }

  /** Whether the receiver shall be left alone for now. */
  get isEnough(): boolean {
    return this.attempted && (this.isGone || this.failures >= FAILURES_TO_PAUSE);
  }

  /** Seconds. */
  get pause(): number | null {
    return this.attempted ? pauseAfter(this.failures, this.retryAfter, this.random()) : null;
  }

  get whyDisabled(): string | null {
    if (this.isGone) return 'it answered 410: gone';
    return this.deadLetters >= MOST_DEAD_LETTERS ? `${MOST_DEAD_LETTERS} deliveries in a row were given up` : null;
  }

  /** @returns what became of the delivery */
  note(errand: Errand, outcome: PostOutcome, at: Date): DeliveryOutcome['status'] {
    const { status, error, ms, retryAfter } = outcome;
    const tries = errand.tries + 1;
    this.attempted = true;
    this.retryAfter = retryAfter;
    if (error === null) {
      this.succeeded = true;
      [this.failures, this.deadLetters] = [0, 0];
    } else {
      this.failures += 1;
      this.isGone ||= status === GONE;
    }
    const wait = error === null || status === GONE ? null : waitAfter(tries, retryAfter, this.random());
    const became = error === null ? 'delivered' : wait === null ? 'dead' : 'waiting';
    if (became === 'dead') this.deadLetters += 1;
    this.finish(errand, became, wait, { at: at.toISOString(), status, error, ms });
    return became;
  }

  /** The trail has the event no more: nobody can send it. */
  noteExpired(errand: Errand, at: Date): void {
    this.finish(errand, 'dead', null, { at: at.toISOString(), status: null, error: 'expired', ms: 0 });
  }

  /** The number of the event up to which everything is done, if nothing else was wanted up to `upTo`; null: nothing was looked at. */
  reached(from: string, errands: readonly Errand[], upTo: number | null): string {
    const left = errands.find((errand) => !this.done.has(errand));
    return left ? String(Number(left.event.seq) - 1) : String(upTo ?? from);
  }

  private finish(
    errand: Errand,
    status: DeliveryOutcome['status'],
    wait: number | null,
    attempt: DeliveryOutcome['attempt'],
  ): void {
    const { seq, event_id, action } = errand.event;
    this.done.set(errand, { event_id, seq: Number(seq), action, status, tries: errand.tries + 1, wait, attempt });
  }
}

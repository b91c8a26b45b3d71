import { setTimeout as wait } from 'node:timers/promises';
import type { ControlPlane } from '../database/control-plane.js';
import type { Logger } from '../platform/log.js';
import type { AuditSink, OutgoingEvent, Sent, SinkFault } from './audit-sink.js';
import { publishBatch, type RefusedEvent } from './publish-batch.js';
import { MOST_TENANTS, PublishingLedger, TurnLost } from './publishing-ledger.js';
import { PublishingTurn, type Turn } from './publishing-turn.js';

/**
 * Publishes sealed events to one place, at least once and in order per tenant: what was taken is noted before anything else is
 * sent. A place that takes nothing is left alone for longer and longer; an event that it refuses while it takes others parks its
 * tenant.
 */

const IDLE_MS = 300;

/** How long a stopping service lets the place take the batch in hand; it comes again after the next start. */
const LAST_BATCH_MS = 3_000;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** A parked tenant is tried again after a minute first, after an hour in the end. */
const PARKED_PAUSE_MS = 60_000;
const LONGEST_PARKED_PAUSE_MS = 3_600_000;

/** From so many failures in a row on, one tenant at a time until so many were well, or all: it may be what one of them sends. */
const CAUTIOUS_FROM = 3;
const CAUTIOUS_LOOKS = 200;

/** A tenant that was in trouble and had so many taken at once is well. */
const PROBATION_EVENTS = 256;

/** A place that has taken something so recently is well: what it refuses now, it refuses because of what it is. */
const RECENTLY_MS = 60_000;

export interface PublisherSettings {
  readonly AUDIT_SINK_FROM: 'begin' | 'now';
}

export class AuditPublisher {
  private readonly turns: PublishingTurn;
  private readonly ledger: PublishingLedger;
  private readonly stopping = new AbortController();
  private readonly giveUp = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** The turn that the following was learnt in. */
  private turn: Turn | null = null;
  /** What was sealed until then is published, but for tenants in trouble; null: who knows. */
  private doneUntil: string | null = null;
  private failures = 0;
  /** Looks that still take one tenant each. */
  private cautious = 0;
  /** Of tenants that were in trouble: how much is tried next, if more than one event. */
  private readonly probation = new Map<string, number>();
  private lastTaken = Number.NEGATIVE_INFINITY;

  /** @param onPublished hears how many events were taken */
  constructor(
    controlPlane: ControlPlane,
    private readonly sink: AuditSink,
    settings: PublisherSettings,
    private readonly logger: Logger,
    private readonly onPublished: (events: number) => void,
  ) {
    const onError = (err: unknown): void => logger.warn({ err, sink: sink.name }, 'whose turn it is to publish is not known');
    this.turns = new PublishingTurn(controlPlane, sink, settings.AUDIT_SINK_FROM, onError);
    this.ledger = new PublishingLedger(controlPlane);
  }

  /** Resolves once retention knows that there is something to wait for. */
  async start(): Promise<void> {
    await this.turns.start();
    this.running = this.run();
  }

  /** Waits for the batch in hand, within limits. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const impatience = setTimeout(() => this.giveUp.abort(), LAST_BATCH_MS);
    await this.running;
    clearTimeout(impatience);
    await Promise.all([this.sink.close(), this.turns.stop()]);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let stumbles = 0; !signal.aborted; ) {
      let pause: number;
      try {
        pause = await this.round();
        stumbles = 0;
      } catch (err) {
        if (!(err instanceof TurnLost)) this.logger.warn({ err, sink: this.sink.name }, 'publishing stumbled and will go on');
        pause = pauseAfter(++stumbles);
      }
      if (pause > 0) await wait(pause, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** @returns milliseconds until the next one */
  private async round(): Promise<number> {
    const turn = this.turns.current;
    if (!turn) return IDLE_MS;
    if (turn !== this.turn) this.probation.clear();
    if (turn !== this.turn) [this.turn, this.doneUntil, this.failures, this.cautious] = [turn, null, 0, 0];
    const { events, sealedAt } = await this.ledger.next(turn, this.doneUntil, this.cautious > 0 ? 1 : MOST_TENANTS);
    if (events.length === 0) [this.doneUntil, this.cautious] = [sealedAt, 0];
    const fault = events.length === 0 ? undefined : await this.publish(turn, events);
    if (fault) return this.leaveAlone(turn, fault);
    // With the place in trouble too, it is the one thing that is tried.
    const isTried = (events.length === 0 || this.failures === 0) && (await this.tryDoubtful(turn));
    if (typeof isTried === 'object') return this.leaveAlone(turn, isTried);
    return events.length > 0 || isTried ? 0 : IDLE_MS;
  }

  /** @returns why the place takes nothing now */
  private async publish(turn: Turn, events: readonly OutgoingEvent[]): Promise<SinkFault | undefined> {
    const [wasWell, wasCautious] = [this.isWell, this.cautious > 0];
    const { fault, refused } = await publishBatch(
      events,
      (part) => this.send(turn, part),
      (part) => this.taken(turn, part),
    );
    for (const one of refused) {
      await (fault || one.fault.blames === 'mishap' ? this.doubt(turn, one, 0) : this.park(turn, one, 0));
    }
    if (!fault) {
      if (wasCautious) this.cautious--;
      return undefined;
    }
    // The others first, next time: should they be taken, it was not the place.
    if (wasCautious && refused.length === 0 && !this.isOver(turn))
      await this.doubt(turn, { event: events[0] as OutgoingEvent, fault }, 0);
    return wasCautious && wasWell && !this.isOver(turn) ? undefined : fault;
  }

  private get isWell(): boolean {
    return this.failures === 0 && performance.now() - this.lastTaken < RECENTLY_MS;
  }

  /** What is sent was ended from here: nothing is known of the place. */
  private isOver(turn: Turn): boolean {
    return turn.over.aborted || this.giveUp.signal.aborted;
  }

  /**
   * Of a tenant that was in trouble first one event, then two, four: until there are no more, or one is found.
   * @returns whether there was such a tenant, or why the place takes nothing now
   */
  private async tryDoubtful(turn: Turn): Promise<boolean | SinkFault> {
    const doubtful = await this.ledger.doubtful(turn, this.probation);
    if (!doubtful) return false;
    const { events, failures, isParked } = doubtful;
    const { taken, fault } = await this.send(turn, events);
    const first = events[taken];
    const { tenantId } = events[0] as OutgoingEvent;
    const asked = this.probation.get(tenantId) ?? 1;
    this.probation.delete(tenantId);
    if (taken > 0) {
      const isWell = first === undefined && (events.length < asked || asked >= PROBATION_EVENTS);
      await this.taken(turn, events.slice(0, taken), isWell);
      if (!isWell && !first) this.probation.set(tenantId, asked * 2);
      // What is behind them may have been sealed long ago.
      this.doneUntil = null;
      return true;
    }
    if (!first || !fault || this.isOver(turn)) return fault ?? false;
    // Of several it could be any: the first is tried by itself, at once.
    if (events.length > 1) return true;
    const { isWell } = this;
    if (isParked || fault.blames === 'event' || (fault.blames === 'unclear' && isWell)) {
      await this.park(turn, { event: first, fault }, failures);
      return true;
    }
    await this.doubt(turn, { event: first, fault }, failures);
    return isWell || fault;
  }

  private async send(turn: Turn, events: readonly OutgoingEvent[]): Promise<Sent> {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const ends = [turn.over, this.giveUp.signal];
    if (ends.some(({ aborted }) => aborted)) end();
    for (const signal of ends) signal.addEventListener('abort', end);
    try {
      return await this.sink.send(events, ending.signal);
    } finally {
      for (const signal of ends) signal.removeEventListener('abort', end);
    }
  }

  private async taken(turn: Turn, events: readonly OutgoingEvent[], isWell = true): Promise<void> {
    await this.ledger.taken(turn, events, isWell);
    this.lastTaken = performance.now();
    this.onPublished(events.length);
    if (this.failures === 0) return;
    this.failures = 0;
    await this.ledger.condition(turn, 0, null);
    this.logger.info({ sink: this.sink.name }, 'the audit sink takes events again');
  }

  private async leaveAlone(turn: Turn, { reason, retryAfterMs = 0 }: SinkFault): Promise<number> {
    if (this.isOver(turn)) return IDLE_MS;
    this.failures++;
    if (this.failures >= CAUTIOUS_FROM) this.cautious = CAUTIOUS_LOOKS;
    const pause = Math.max(retryAfterMs, pauseAfter(this.failures));
    await this.ledger.condition(turn, this.failures, reason);
    const told = { sink: this.sink.name, reason, failures: this.failures, pauseMs: Math.round(pause) };
    this.logger.warn(told, 'the audit sink takes no events; they wait for it');
    return pause;
  }

  private async park(turn: Turn, { event, fault }: RefusedEvent, failures: number): Promise<void> {
    const pause = jittered(Math.min(LONGEST_PARKED_PAUSE_MS, PARKED_PAUSE_MS * 2 ** failures));
    await this.ledger.failed(turn, event, pause, fault.reason, true);
    const told = { sink: this.sink.name, tenantId: event.tenantId, seq: event.seq, eventId: event.id, reason: fault.reason };
    this.logger.error(told, 'the audit sink refuses an event: the trail of its tenant is parked there');
  }

  private async doubt(turn: Turn, { event, fault }: RefusedEvent, failures: number): Promise<void> {
    await this.ledger.failed(turn, event, pauseAfter(failures + 1), fault.reason, false);
  }
}

function pauseAfter(failures: number): number {
  return jittered(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20)));
}

/** So that those who failed together do not come back together. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform/log.js';
import { uuidV7 } from '../platform/uuid.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { postEvent, type Receiver } from './post-event.js';
import { FAILURES_TO_PAUSE } from './retry-schedule.js';
import { type PostOutcome, SafeRequests } from './safe-requests.js';
import { type Errand, errandsOf, TurnCourse } from './turn-course.js';
import type { EventRow } from './turn-sql.js';
import { TurnStore } from './turn-store.js';
import { REDACTION, type Redaction, type SealedEvent } from './webhook-message.js';
import { WebhookMetrics } from './webhook-metrics.js';
import { WebhookSecrets } from './webhook-secrets.js';

/**
 * One turn of a webhook: takes what it shall be sent, sends it, notes how it went. Events are begun in their order, some at a time; one
 * that fails is tried again beside those behind it. What is not noted, because the process died, is sent again: at least once.
 */

/** Requests of one webhook at a time. */
const AT_ONCE = 8;

/** A turn begins nothing after so long; with the slowest answer it is over long before somebody else takes the webhook. */
const TURN_MS = 8_000;

/** A webhook whose secret does not open is looked at again then, seconds: whoever runs the service has to do something. */
const UNREADABLE_PAUSE = 300;

@Injectable()
export class WebhookTurns {
  constructor(
    private readonly store: TurnStore,
    private readonly secrets: WebhookSecrets,
    private readonly requests: SafeRequests,
    private readonly directory: TenantDirectory,
    private readonly metrics: WebhookMetrics,
    @Inject(REDACTION) private readonly redact: Redaction,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Whether it got on. @param stop breaks off what is under way, which is then not noted and comes again */
  async take(tenant: Tenant, webhookId: string, stop: AbortSignal): Promise<boolean> {
    const turn = uuidV7();
    const claim = await this.store.claim(tenant, webhookId, turn);
    if (!claim) return false;
    const { webhook } = claim;
    const about = { tenantId: tenant.id, webhook: webhookId };
    const [due, replayed, fresh] = [errandsOf(claim.due), errandsOf(claim.replayed.events), errandsOf(claim.fresh.events)];
    const course = new TurnCourse(webhook.failures, webhook.dead_letters);
    const keys = this.secrets.openBoth(tenant.id, webhookId, webhook.secret, webhook.former_secret);
    const errands = [...due, ...replayed, ...fresh];
    if (keys) await this.send({ tenant, url: webhook.url, include: webhook.include, keys }, errands, course, stop);
    else this.logger.error(about, 'the secret of a webhook does not open: is WEBHOOK_KEY another one?');

    const { attempted, succeeded, failures, deadLetters } = course;
    const sentSeq = course.reached(webhook.sent_seq, fresh, claim.fresh.upTo);
    const { counted, disabled } = await this.store.record(tenant, webhookId, {
      turn,
      record: {
        ...{ attempted, succeeded, failures, deadLetters },
        sentSeq,
        replaySeq: webhook.replay_seq && course.reached(webhook.replay_seq, replayed, claim.replayed.upTo),
        pause: keys ? course.pause : UNREADABLE_PAUSE,
      },
      outcomes: course.outcomes,
      recovered: webhook.failures >= FAILURES_TO_PAUSE && succeeded,
      disable: course.whyDisabled,
    });
    if (!counted) this.logger.warn(about, 'what a webhook was sent could not be noted: it is sent again');
    if (disabled !== null) this.logger.warn({ ...about, reason: disabled }, 'a webhook was disabled');
    return counted && (course.outcomes.length > 0 || sentSeq !== webhook.sent_seq);
  }

  private async send(receiver: Receiver, errands: readonly Errand[], course: TurnCourse, stop: AbortSignal): Promise<void> {
    const waiting = [...errands];
    const until = performance.now() + TURN_MS;
    const client = this.requests.open();
    const isOver = async (): Promise<boolean> =>
      stop.aborted ||
      course.isEnough ||
      performance.now() > until ||
      // Suspended while the turn goes on.
      (await this.directory.find(receiver.tenant.id))?.status !== 'active';
    const post = async (event: SealedEvent): Promise<PostOutcome | null> => {
      try {
        return await postEvent(client, receiver, event, this.redact, stop);
      } catch (error) {
        if (stop.aborted) return null;
        this.logger.error(
          { err: error, tenantId: receiver.tenant.id, event: event.id },
          'an event could not be sent to a webhook',
        );
        return { status: null, error: 'internal', ms: 0, retryAfter: null };
      }
    };
    const sender = async (): Promise<void> => {
      while (waiting.length > 0 && !(await isOver())) {
        const errand = waiting.shift();
        if (!errand) return;
        const at = new Date();
        const event = sealedEvent(errand.event);
        if (event === null) {
          course.noteExpired(errand, at);
          continue;
        }
        const outcome = await post(event);
        if (outcome === null) return;
        const became = course.note(errand, outcome, at);
        this.metrics.observe(became === 'waiting' ? 'failed' : became, outcome.ms);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender)).finally(() => client.close());
  }
}

/** null: the trail has it no more. */
function sealedEvent(row: EventRow): SealedEvent | null {
  const { seq, event_id: id, time, actor, request_id: requestId, action, entity, record_id: recordId, body } = row;
  if (time === null || actor === null || requestId === null) return null;
  return { seq: Number(seq), id, time, actor, requestId, action, entity, recordId, body };
}

import type { DeliveryRow, WebhookRow } from './webhook-sql.js';

/** Webhooks and deliveries as they are shown: no secret, and nothing that a receiver said. */

export function webhookView(row: WebhookRow) {
  return {
    id: row.webhook_id,
    url: row.url,
    description: row.description,
    events: row.events,
    entities: row.entities,
    include: row.include,
    enabled: row.enabled,
    disabledAt: row.disabled_at,
    disabledReason: row.disabled_reason,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    formerSecretUntil: row.former_until,
    // Everything up to it was sent, or failed and is among the deliveries.
    sentSeq: Number(row.sent_seq),
    failures: row.failures,
    failingSince: row.failing_since,
    pausedUntil: row.resume_at,
    replay: replayView(row),
  };
}

function replayView(row: WebhookRow) {
  if (row.replay_from === null) return null;
  const [fromSeq, toSeq, sentSeq] = [Number(row.replay_from), Number(row.replay_to), Number(row.replay_seq)];
  return { fromSeq, toSeq, sentSeq, startedAt: row.replay_started_at, finished: sentSeq >= toSeq };
}

export function deliveryView(row: DeliveryRow) {
  return {
    id: row.event_id,
    seq: Number(row.seq),
    action: row.action,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.next_at,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}

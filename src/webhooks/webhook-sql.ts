import type { Statement } from '../model/sql.js';

/** The statements over webhooks and their deliveries, for the routes. All of them name the tenant, beside the policy that does. */

/** A webhook without its secrets, as it is shown. */
export interface WebhookRow {
  readonly webhook_id: string;
  readonly url: string;
  readonly description: string;
  readonly events: readonly string[];
  readonly entities: readonly string[] | null;
  readonly include: 'ids' | 'full';
  readonly enabled: boolean;
  readonly former_until: Date | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly updated_at: Date;
  readonly disabled_at: Date | null;
  readonly disabled_reason: string | null;
  readonly sent_seq: string;
  readonly failures: number;
  readonly failing_since: Date | null;
  readonly resume_at: Date | null;
  readonly replay_from: string | null;
  readonly replay_to: string | null;
  readonly replay_seq: string | null;
  readonly replay_started_at: Date | null;
}

const SHOWN = `webhook_id, url, description, events, entities, include, enabled, former_until, created_at, created_by, updated_at,
  disabled_at, disabled_reason, sent_seq, failures, failing_since, resume_at, replay_from, replay_to, replay_seq, replay_started_at`;

/** What its tenant says of it. */
export interface WebhookWish {
  readonly url: string;
  readonly description: string;
  readonly events: readonly string[];
  readonly entities: readonly string[] | null;
  readonly include: 'ids' | 'full';
  readonly enabled: boolean;
}

const wished = ({ url, description, events, entities, include, enabled }: WebhookWish): (string | null)[] => [
  ...[url, description, JSON.stringify(events), entities && JSON.stringify(entities), include, String(enabled)],
];

/** So that two that are made at once do not both take the last place. */
export function lockStatement(tenantId: string): Statement {
  return { text: "select pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))", values: [tenantId] };
}

export function countStatement(tenantId: string): Statement {
  return {
    text: `select count(*)::integer as count
from business_store_service.webhooks
where tenant_id = $1`,
    values: [tenantId],
  };
}

export interface NewWebhook extends WebhookWish {
  readonly id: string;
  readonly secret: Buffer;
  readonly createdBy: string;
  readonly sentSeq: string;
}

export function insertStatement(tenantId: string, webhook: NewWebhook): Statement {
  return {
    text: `insert into business_store_service.webhooks
  (tenant_id, webhook_id, url, description, events, entities, include, enabled, secret, created_by, sent_seq)
values ($1, $2, $3, $4, array(select json_array_elements_text($5::json)),
  case when $6::json is not null then array(select json_array_elements_text($6::json)) end, $7, $8::boolean, $9::bytea, $10,
  $11::bigint)
returning ${SHOWN}`,
    values: [tenantId, webhook.id, ...wished(webhook), hexOf(webhook.secret), webhook.createdBy, webhook.sentSeq],
  };
}

/** In order of creation. */
export function listStatement(tenantId: string, after: string | null, limit: number): Statement {
  return {
    text: `select ${SHOWN}
from business_store_service.webhooks
where tenant_id = $1
  and ($2::uuid is null or webhook_id > $2::uuid)
order by webhook_id
limit $3::bigint`,
    values: [tenantId, after, String(limit)],
  };
}

export function findStatement(tenantId: string, id: string, lock: '' | 'for update' = ''): Statement {
  return {
    text: `select ${SHOWN}
from business_store_service.webhooks
where tenant_id = $1
  and webhook_id = $2
${lock}`,
    values: [tenantId, id],
  };
}

export interface SecretsRow {
  readonly secret: Buffer;
  /** null once it does not hold any more. */
  readonly former_secret: Buffer | null;
}

export function secretsStatement(tenantId: string, id: string): Statement {
  return {
    text: `select secret, case when former_until > now() then former_secret end as former_secret
from business_store_service.webhooks
where tenant_id = $1
  and webhook_id = $2`,
    values: [tenantId, id],
  };
}

/**
 * Whatever was said of the receiver before counts no more, and a turn under way has lost the webhook.
 * @param sentSeq from where it goes on; null: from where it is
 */
export function updateStatement(tenantId: string, id: string, wish: WebhookWish, sentSeq: string | null): Statement {
  return {
    text: `update business_store_service.webhooks
set url = $3,
  description = $4,
  events = array(select json_array_elements_text($5::json)),
  entities = case when $6::json is not null then array(select json_array_elements_text($6::json)) end,
  include = $7,
  enabled = $8::boolean,
  sent_seq = coalesce($9::bigint, sent_seq),
  updated_at = now(),
  disabled_at = case when $8::boolean then null else disabled_at end,
  disabled_reason = case when $8::boolean then null else disabled_reason end,
  failures = 0,
  failing_since = null,
  resume_at = null,
  dead_letters = 0,
  holder = null,
  held_until = null
where tenant_id = $1
  and webhook_id = $2
returning ${SHOWN}`,
    values: [tenantId, id, ...wished(wish), sentSeq],
  };
}

export function rotateStatement(tenantId: string, id: string, secret: Buffer, overlapSeconds: number): Statement {
  return {
    text: `update business_store_service.webhooks
set former_secret = case when $4::integer > 0 then secret end,
  former_until = case when $4::integer > 0 then now() + make_interval(secs => $4::integer) end,
  secret = $3::bytea,
  updated_at = now()
where tenant_id = $1
  and webhook_id = $2
returning ${SHOWN}`,
    values: [tenantId, id, hexOf(secret), String(overlapSeconds)],
  };
}

export function deleteStatement(tenantId: string, id: string): Statement {
  return {
    text: `delete from business_store_service.webhooks
where tenant_id = $1
  and webhook_id = $2
returning url`,
    values: [tenantId, id],
  };
}

/** No row: one is under way. */
export function replayStatement(tenantId: string, id: string, from: number, to: number): Statement {
  return {
    text: `update business_store_service.webhooks
set replay_from = $3::bigint, replay_to = $4::bigint, replay_seq = $3::bigint - 1, replay_started_at = now()
where tenant_id = $1
  and webhook_id = $2
  and (replay_seq is null or replay_seq >= replay_to)
returning ${SHOWN}`,
    values: [tenantId, id, String(from), String(to)],
  };
}

export interface DeliveryRow {
  readonly event_id: string;
  readonly seq: string;
  readonly action: string;
  readonly status: 'waiting' | 'delivered' | 'dead';
  readonly attempts: readonly { at: string; status: number | null; error: string | null; ms: number }[];
  readonly next_at: Date | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

const DELIVERY = 'event_id, seq, action, status, attempts, next_at, created_at, finished_at';

/** Latest events first. */
export function deliveriesStatement(
  tenantId: string,
  id: string,
  page: { after: string | null; status: string | null; limit: number },
): Statement {
  return {
    text: `select ${DELIVERY}
from business_store_service.webhook_deliveries
where tenant_id = $1
  and webhook_id = $2
  and ($3::uuid is null or event_id < $3::uuid)
  and ($4::text is null or status = $4)
order by event_id desc
limit $5::bigint`,
    values: [tenantId, id, page.after, page.status, String(page.limit)],
  };
}

/** From the beginning: as many attempts as a new one has. */
export function retryStatement(tenantId: string, id: string, deliveryId: string): Statement {
  return {
    text: `update business_store_service.webhook_deliveries
set status = 'waiting', tries = 0, next_at = now(), finished_at = null, expires_at = null
where tenant_id = $1
  and webhook_id = $2
  and event_id = $3
returning ${DELIVERY}`,
    values: [tenantId, id, deliveryId],
  };
}

/** At once, whatever the receiver did lately. */
export function dueNowStatement(tenantId: string, id: string): Statement {
  return {
    text: `update business_store_service.webhooks
set retry_at = now(), resume_at = null
where tenant_id = $1
  and webhook_id = $2`,
    values: [tenantId, id],
  };
}

function hexOf(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

import type { Statement } from '../model/sql.js';
import { LONGEST_BODY } from './webhook-message.js';

/**
 * The statements of a turn, for `TurnStore`. Events come from the trail of the tenant whose context the transaction is in, and of no
 * other: the database says which that is, not a parameter.
 */

/** Longest a turn may take before another instance takes the webhook for left behind. Turns end long before. */
const HELD = "interval '30 seconds'";

/** What became of a delivery is known for so long. */
const KEPT = { delivered: "interval '7 days'", dead: "interval '30 days'" };

/** Events that are looked at in one turn, whether the webhook wants them or not. */
const SCANNED = 200;

/** Bodies of one turn, together; a single event may be all of it. */
const BYTES = 2_097_152;

export interface ClaimedRow {
  readonly url: string;
  readonly include: 'ids' | 'full';
  readonly secret: Buffer;
  /** null once it does not hold any more. */
  readonly former_secret: Buffer | null;
  readonly sent_seq: string;
  readonly failures: number;
  readonly dead_letters: number;
  /** null: nothing to replay. */
  readonly replay_seq: string | null;
  readonly replay_to: string | null;
}

export interface EventRow {
  readonly seq: string;
  readonly event_id: string;
  readonly time: string | null;
  readonly actor: string | null;
  readonly request_id: string | null;
  readonly action: string;
  readonly entity: string | null;
  readonly record_id: string | null;
  readonly body: string | null;
}

/** Of an event that the trail has no more, all but number, id and action is null. */
export interface DueRow extends EventRow {
  readonly tries: number;
}

/** One row at least: how far was looked. What is wanted has a number. */
export interface WantedRow extends Omit<EventRow, 'seq'> {
  readonly seq: string | null;
  readonly scanned_to: string | null;
  /** There is more among what was looked at. */
  readonly cut: boolean | null;
}

const EVENT = `s.seq, s.event_id, (to_json(s.occurred_at at time zone 'UTC') #>> '{}') || 'Z' as time, s.actor, s.request_id,
  s.action, s.entity, s.record_id, case when octet_length(s.body) <= ${LONGEST_BODY} then s.body end as body`;

/** Webhooks with something to send, those whose last turn is longest ago first, and the tenants in turn. */
export function candidatesStatement(limit: number, withoutTenants: readonly string[]): Statement {
  return {
    text: `select w.tenant_id, w.webhook_id
from business_store_service.webhooks as w
join business_store_service.tenants as t on t.id = w.tenant_id
left join audit.heads as h on h.tenant_id = w.tenant_id
where w.enabled
  and t.status = 'active'
  and (w.held_until is null or w.held_until < now())
  and (w.resume_at is null or w.resume_at <= now())
  and (h.seq > greatest(w.sent_seq, h.anchor_seq) or w.retry_at <= now() or w.replay_seq < w.replay_to)
  and not w.tenant_id = any (array(select json_array_elements_text($2::json))::uuid[])
order by row_number() over (partition by w.tenant_id order by w.turn_at), w.turn_at
limit $1::bigint`,
    values: [String(limit), JSON.stringify(withoutTenants)],
  };
}

/** No row: somebody else has it, or it is not to be sent to just now. */
export function claimStatement(tenantId: string, webhookId: string, turn: string): Statement {
  return {
    text: `update business_store_service.webhooks as w
set holder = $3::uuid, held_until = now() + ${HELD}, turn_at = now()
where w.tenant_id = $1
  and w.webhook_id = $2
  and w.enabled
  and (w.held_until is null or w.held_until < now())
  and (w.resume_at is null or w.resume_at <= now())
  and exists (
    select
    from business_store_service.tenants as t
    where t.id = $1
      and t.status = 'active'
  )
returning url, include, secret, case when former_until > now() then former_secret end as former_secret, sent_seq, failures,
  dead_letters, case when replay_seq < replay_to then replay_seq end as replay_seq, replay_to`,
    values: [tenantId, webhookId, turn],
  };
}

/** Deliveries whose time has come, with their events. */
export function dueStatement(tenantId: string, webhookId: string, limit: number): Statement {
  return {
    text: `select ${EVENT.replace('s.seq, s.event_id', 'd.seq, d.event_id').replace('s.action', 'd.action')}, d.tries
from (
  select seq, event_id, action, tries, next_at
  from business_store_service.webhook_deliveries
  where tenant_id = $1
    and webhook_id = $2
    and status = 'waiting'
    and next_at <= now()
  order by next_at
  limit $3::bigint
) as d
left join lateral audit.sealed((select bss.tenant()), d.seq - 1, 1) as s on s.seq = d.seq
order by d.next_at`,
    values: [tenantId, webhookId, String(limit)],
  };
}

/** Of the events behind `after`, and up to `to`, those that the webhook wants, in order. */
export function wantedStatement(
  tenantId: string,
  webhookId: string,
  { after, to, limit }: { after: string; to: string | null; limit: number },
): Statement {
  return {
    text: `with scanned as materialized (
  select *
  from audit.sealed((select bss.tenant()), $3::bigint, ${SCANNED})
  where seq <= coalesce($4::bigint, seq)
),
wanted as (
  select ${EVENT},
    row_number() over (order by s.seq) as place,
    sum(least(octet_length(s.body), ${LONGEST_BODY})) over (order by s.seq) as bytes,
    count(*) over () as found
  from scanned as s
  join business_store_service.webhooks as w on w.tenant_id = $1 and w.webhook_id = $2
  where w.events && array['*', s.action, split_part(s.action, '.', 1) || '.*']
    and (w.entities is null or s.entity = any (w.entities))
),
taken as (
  select *
  from wanted
  where place <= $5::bigint
    and (bytes <= ${BYTES} or place = 1)
)
select t.seq, t.event_id, t.time, t.actor, t.request_id, t.action, t.entity, t.record_id, t.body,
  (select max(seq) from scanned) as scanned_to,
  t.found > (select count(*) from taken) as cut
from (select) as one
left join taken as t on true
order by t.seq`,
    values: [tenantId, webhookId, after, to, String(limit)],
  };
}

export interface TurnRecord {
  readonly sentSeq: string;
  readonly replaySeq: string | null;
  /** Whether anything was sent at all. */
  readonly attempted: boolean;
  readonly succeeded: boolean;
  readonly failures: number;
  readonly deadLetters: number;
  /** Seconds; null: none. */
  readonly pause: number | null;
}

/** Gives the webhook back. No row: it was taken away, and what the turn did counts for nothing. */
export function recordStatement(tenantId: string, webhookId: string, turn: string, record: TurnRecord): Statement {
  const { sentSeq, replaySeq, attempted, succeeded, failures, deadLetters, pause } = record;
  return {
    text: `update business_store_service.webhooks
set holder = null,
  held_until = null,
  sent_seq = $4::bigint,
  replay_seq = coalesce($5::bigint, replay_seq),
  failures = $6::integer,
  dead_letters = $7::integer,
  failing_since = case
    when not $8::boolean then failing_since
    when $6::integer = 0 then null
    when $9::boolean then now()
    else coalesce(failing_since, now())
  end,
  resume_at = case
    when $10::float8 is not null then now() + make_interval(secs => $10::float8)
    when not $8::boolean then resume_at
  end
where tenant_id = $1
  and webhook_id = $2
  and holder = $3::uuid
returning failing_since < now() - interval '5 days' as failed_long`,
    values: [
      ...[tenantId, webhookId, turn, sentSeq, replaySeq, String(failures), String(deadLetters)],
      ...[String(attempted), String(succeeded), pause === null ? null : String(pause)],
    ],
  };
}

export interface DeliveryOutcome {
  readonly event_id: string;
  readonly seq: number;
  readonly action: string;
  readonly status: 'waiting' | 'delivered' | 'dead';
  readonly tries: number;
  /** Seconds; null when it is over. */
  readonly wait: number | null;
  readonly attempt: { readonly at: string; readonly status: number | null; readonly error: string | null; readonly ms: number };
}

export function deliveriesStatement(tenantId: string, webhookId: string, outcomes: readonly DeliveryOutcome[]): Statement {
  return {
    text: `insert into business_store_service.webhook_deliveries as d
  (tenant_id, webhook_id, event_id, seq, action, status, tries, attempts, next_at, finished_at, expires_at)
select $1::uuid, $2::uuid, o.event_id, o.seq, o.action, o.status, o.tries, jsonb_build_array(o.attempt),
  now() + make_interval(secs => o.wait), case when o.status <> 'waiting' then now() end,
  case o.status when 'delivered' then now() + ${KEPT.delivered} when 'dead' then now() + ${KEPT.dead} end
from jsonb_to_recordset($3::jsonb) as o (
  event_id uuid, seq bigint, action text, status text, tries integer, wait float8, attempt jsonb
)
on conflict (tenant_id, webhook_id, event_id) do update
set status = excluded.status,
  tries = excluded.tries,
  attempts = case when jsonb_array_length(d.attempts) < 20 then d.attempts else d.attempts - 0 end || excluded.attempts,
  next_at = excluded.next_at,
  finished_at = excluded.finished_at,
  expires_at = excluded.expires_at`,
    values: [tenantId, webhookId, JSON.stringify(outcomes)],
  };
}

/** A receiver that is back gets what it missed at once. */
export function hurryStatement(tenantId: string, webhookId: string): Statement {
  return {
    text: `update business_store_service.webhook_deliveries
set next_at = now()
where tenant_id = $1
  and webhook_id = $2
  and status = 'waiting'
  and next_at > now()`,
    values: [tenantId, webhookId],
  };
}

/** To be run last: when the first of its deliveries is due. */
export function dueAtStatement(tenantId: string, webhookId: string): Statement {
  return {
    text: `update business_store_service.webhooks
set retry_at = (
  select min(d.next_at)
  from business_store_service.webhook_deliveries as d
  where d.tenant_id = $1
    and d.webhook_id = $2
    and d.status = 'waiting'
)
where tenant_id = $1
  and webhook_id = $2`,
    values: [tenantId, webhookId],
  };
}

/** No row: it was disabled already. */
export function disableStatement(tenantId: string, webhookId: string, reason: string): Statement {
  return {
    text: `update business_store_service.webhooks
set enabled = false, disabled_at = now(), disabled_reason = $3
where tenant_id = $1
  and webhook_id = $2
  and enabled
returning webhook_id, sent_seq`,
    values: [tenantId, webhookId, reason],
  };
}

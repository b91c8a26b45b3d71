import type { ControlPlane } from '../database/control-plane.js';
import type { Statement } from '../model/sql.js';
import type { OutgoingEvent } from './audit-sink.js';
import { cloudEventText, cloudEventType, SEALED_COLUMNS, type SealedEvent } from './cloud-event.js';
import { PUBLISHER, type Turn } from './publishing-turn.js';

/** How far a place has each tenant's trail, and what is next. Every transaction is short: none is open while a place answers. */

/** Of one look: as much as one request holds. An event that is larger by itself comes alone. */
const MOST_EVENTS = 2_000;
const MOST_BYTES = 1_000_000;

/** What an event has besides its body, about. */
const ATTRIBUTES_BYTES = 450;

/** Their events share a look. */
export const MOST_TENANTS = 200;

export interface Look {
  readonly events: readonly OutgoingEvent[];
  /** When something was sealed last, as this look saw it; text of a timestamptz. */
  readonly sealedAt: string;
}

/** What is next of a tenant that was in trouble; one event at least. */
export interface DoubtfulEvents {
  readonly events: readonly OutgoingEvent[];
  /** Attempts in a row so far. */
  readonly failures: number;
  readonly isParked: boolean;
}

/** Another instance has the turn by now: what was taken may be sent again, by that one. */
export class TurnLost extends Error {
  constructor() {
    super('the turn to publish went to another instance');
    this.name = 'TurnLost';
  }
}

export class PublishingLedger {
  constructor(private readonly controlPlane: ControlPlane) {}

  /**
   * The next events of tenants that are well: those that were served longest ago first, an equal share each.
   * @param since only of tenants of whom something was sealed after it
   */
  async next({ sink }: Turn, since: string | null, mostTenants: number): Promise<Look> {
    const values = [sink, since, String(mostTenants), String(MOST_EVENTS), String(MOST_BYTES)];
    return this.controlPlane.platform(PUBLISHER, async (tx) => {
      // Asked first: what is sealed in between is found by the next look at the latest.
      const [sealing] = await tx.run<{ sealed_at: string }>({ text: 'select sealed_at::text from audit.sealing', values: [] });
      const events = await tx.run<SealedEvent>({ text: NEXT, values });
      return { events: events.map(outgoing), sealedAt: sealing?.sealed_at ?? '-infinity' };
    });
  }

  /** Of the tenant in trouble whose next attempt is due longest; `most` events by tenant, of others the first. */
  async doubtful({ sink }: Turn, most: ReadonlyMap<string, number>): Promise<DoubtfulEvents | null> {
    const values = [sink, JSON.stringify(Object.fromEntries(most)), String(MOST_BYTES)];
    const rows = await this.run<SealedEvent & { failures: number; is_parked: boolean }>({ text: DOUBTFUL, values });
    const [first] = rows;
    return first ? { events: rows.map(outgoing), failures: first.failures, isParked: first.is_parked } : null;
  }

  /** @param isWell they are not in trouble any more @throws {TurnLost} */
  async taken(turn: Turn, events: readonly OutgoingEvent[], isWell: boolean): Promise<void> {
    // In order: the last of a tenant counts.
    const moved = Object.fromEntries(events.map(({ tenantId, seq }) => [tenantId, seq]));
    await this.move({ text: TAKEN, values: [...fence(turn), JSON.stringify(moved), String(isWell)] });
  }

  /** The event behind the tenant's last is tried by itself after so long, in milliseconds. @throws {TurnLost} */
  async failed(turn: Turn, event: OutgoingEvent, afterMs: number, reason: string, isParked: boolean): Promise<void> {
    const values = [...fence(turn), event.tenantId, String(BigInt(event.seq) - 1n), String(afterMs / 1_000), reason];
    await this.move({ text: FAILED, values: [...values, String(isParked)] });
  }

  /** How the place itself is: attempts in a row that failed, and why. @throws {TurnLost} */
  async condition(turn: Turn, failures: number, reason: string | null): Promise<void> {
    await this.move({ text: CONDITION, values: [...fence(turn), String(failures), reason] });
  }

  private async move(statement: Statement): Promise<void> {
    const [moved] = await this.run<{ moved: string }>(statement);
    if (!moved || moved.moved === '0') throw new TurnLost();
  }

  private run<T>(statement: Statement): Promise<T[]> {
    return this.controlPlane.platform(PUBLISHER, (tx) => tx.run<T>(statement));
  }
}

function fence({ sink, holder, fence: number }: Turn): string[] {
  return [sink, holder, number];
}

function outgoing(event: SealedEvent): OutgoingEvent {
  return {
    id: event.event_id,
    tenantId: event.tenant_id,
    seq: event.seq,
    type: cloudEventType(event),
    text: cloudEventText(event),
  };
}

/** What has left with its retention is behind a place too, and nothing of it is left to send: `anchor_seq` is its last. */
const NEXT = `with due as (
  select h.tenant_id, greatest(coalesce(p.seq, 0), h.anchor_seq) as after,
    row_number() over (order by p.moved_at nulls first, h.tenant_id) as place
  from audit.heads as h
  left join audit.publishing as p on p.sink = $1 and p.tenant_id = h.tenant_id
  where h.seq > greatest(coalesce(p.seq, 0), h.anchor_seq)
    and coalesce(p.failures, 0) = 0
    and ($2::timestamptz is null or h.sealed_at > $2::timestamptz)
  order by place
  limit $3::integer
),
found as (
  select d.place, d.tenant_id, e.*,
    row_number() over (order by d.place, e.seq) as n,
    sum(octet_length(e.body) + ${ATTRIBUTES_BYTES}) over (order by d.place, e.seq rows unbounded preceding) as bytes
  from due as d
  cross join lateral audit.sealed(d.tenant_id, d.after, ($4::integer / (select count(*) from due))::integer) as e
)
select e.tenant_id, ${SEALED_COLUMNS}
from found as e
where e.n = 1
  or e.bytes <= $5::bigint
order by e.place, e.seq`;

const DOUBTFUL = `with due as (
  select p.*, greatest(p.seq, h.anchor_seq) as after
  from audit.publishing as p
  join audit.heads as h on h.tenant_id = p.tenant_id and h.seq > greatest(p.seq, h.anchor_seq)
  where p.sink = $1
    and p.failures > 0
    and p.next_try_at <= now()
  order by p.next_try_at
  limit 1
),
found as (
  select d.tenant_id, d.failures, d.parked_at is not null as is_parked, e.*,
    row_number() over (order by e.seq) as n,
    sum(octet_length(e.body) + ${ATTRIBUTES_BYTES}) over (order by e.seq rows unbounded preceding) as bytes
  from due as d
  cross join lateral audit.sealed(d.tenant_id, d.after, coalesce(($2::json->>d.tenant_id::text)::integer, 1)) as e
)
select e.tenant_id, e.failures, e.is_parked, ${SEALED_COLUMNS}
from found as e
where e.n = 1
  or e.bytes <= $3::bigint
order by e.seq`;

/** Nothing moves without the turn, and the turn does not go to another meanwhile. */
const FENCED = `with turn as (
  select s.sink
  from audit.sinks as s
  where s.sink = $1
    and s.holder = $2::uuid
    and s.fence = $3::bigint
  for share
),`;

const TAKEN = `${FENCED}
moved as (
  insert into audit.publishing as p (sink, tenant_id, seq, moved_at)
  select t.sink, m.key::uuid, m.value::bigint, clock_timestamp()
  from turn as t
  cross join json_each_text($4::json) as m
  on conflict (sink, tenant_id) do update
    set seq = greatest(p.seq, excluded.seq),
        moved_at = excluded.moved_at,
        failures = case when $5::boolean then 0 else 1 end,
        next_try_at = case when not $5::boolean then now() end,
        parked_at = null,
        error = null
  returning p.tenant_id
)
select count(*) as moved
from moved`;

/** A tenant that was moved on by an administrator meanwhile stays as it is. */
const FAILED = `${FENCED}
moved as (
  insert into audit.publishing as p (sink, tenant_id, seq, failures, next_try_at, error, parked_at)
  select t.sink, $4::uuid, $5::bigint, 1, now() + make_interval(secs => $6::double precision), $7,
    case when $8::boolean then now() end
  from turn as t
  on conflict (sink, tenant_id) do update
    set failures = p.failures + 1,
        next_try_at = excluded.next_try_at,
        error = excluded.error,
        parked_at = coalesce(p.parked_at, excluded.parked_at)
    where p.seq <= excluded.seq
  returning p.tenant_id
)
select count(*) as moved
from turn`;

const CONDITION = `with moved as (
  update audit.sinks as s
  set failures = $4::integer,
      failing_since = case when $4::integer > 0 then coalesce(s.failing_since, now()) end,
      error = $5
  where s.sink = $1
    and s.holder = $2::uuid
    and s.fence = $3::bigint
  returning s.sink
)
select count(*) as moved
from moved`;

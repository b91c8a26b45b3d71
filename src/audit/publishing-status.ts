import type { SystemTx } from '../database/control-plane.js';

/** How far each place is, for administrators and for metrics. In the platform's own context. */

/** A place that was ever published to. */
export interface SinkStatus {
  readonly sink: string;
  readonly label: string;
  /** An instance is at it. */
  readonly is_running: boolean;
  readonly used_at: Date;
  readonly failures: number;
  readonly failing_since: Date | null;
  readonly error: string | null;
  readonly tenants_behind: number;
  /** bigint, in decimal */
  readonly events_behind: string;
  /** Since when the oldest event that is to come was sealed, parked tenants aside; 0 when there is none. */
  readonly lag_seconds: number;
  readonly parked_tenants: number;
}

/** A tenant whose next event a place did not take when it was sent by itself. */
export interface TroubledTenant {
  readonly sink: string;
  readonly tenant_id: string;
  /** bigint, in decimal: of the event */
  readonly seq: string;
  readonly event_id: string;
  readonly failures: number;
  readonly parked_at: Date | null;
  readonly next_try_at: Date;
  readonly error: string | null;
}

/** The lag is that of so many tenants, those whose turn was longest ago. */
const TENANTS_LOOKED_AT = 1_000;

export function readSinkStatus(tx: SystemTx): Promise<SinkStatus[]> {
  return tx.run<SinkStatus>({
    text: `select s.sink, s.label, s.holds_until > clock_timestamp() as is_running, s.used_at,
  s.failures, s.failing_since, s.error, b.tenants_behind::integer, b.events_behind::text, b.parked_tenants::integer,
  coalesce(extract(epoch from clock_timestamp() - l.sealed_at), 0)::double precision as lag_seconds
from audit.sinks as s
cross join lateral (
  select count(*) as tenants_behind, coalesce(sum(h.seq - greatest(coalesce(p.seq, 0), h.anchor_seq)), 0) as events_behind,
    count(p.parked_at) as parked_tenants
  from audit.heads as h
  left join audit.publishing as p on p.sink = s.sink and p.tenant_id = h.tenant_id
  where h.seq > greatest(coalesce(p.seq, 0), h.anchor_seq)
) as b
left join lateral (
  select min(c.sealed_at) as sealed_at
  from (
    select h.tenant_id, greatest(coalesce(p.seq, 0), h.anchor_seq) + 1 as seq
    from audit.heads as h
    left join audit.publishing as p on p.sink = s.sink and p.tenant_id = h.tenant_id
    where h.seq > greatest(coalesce(p.seq, 0), h.anchor_seq)
      and p.parked_at is null
    order by p.moved_at nulls first
    limit ${TENANTS_LOOKED_AT}
  ) as n
  join audit.chain as c on c.tenant_id = n.tenant_id and c.seq = n.seq
) as l on true
order by s.sink`,
    values: [],
  });
}

/** Those parked longest first, then those that are only being retried; of each place `most` at most. */
export function readTroubledTenants(tx: SystemTx, most: number): Promise<TroubledTenant[]> {
  return tx.run<TroubledTenant>({
    text: `select s.sink, t.tenant_id, c.seq, c.event_id, t.failures, t.parked_at, t.next_try_at, t.error
from audit.sinks as s
cross join lateral (
  select p.*, greatest(p.seq, h.anchor_seq) + 1 as next_seq
  from audit.publishing as p
  join audit.heads as h on h.tenant_id = p.tenant_id and h.seq > greatest(p.seq, h.anchor_seq)
  where p.sink = s.sink
    and p.failures > 0
  order by p.parked_at nulls last, p.tenant_id
  limit $1::integer
) as t
join audit.chain as c on c.tenant_id = t.tenant_id and c.seq = t.next_seq
order by s.sink, t.parked_at nulls last, t.tenant_id`,
    values: [String(most)],
  });
}

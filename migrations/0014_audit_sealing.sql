-- How events are sealed: the bytes that are hashed, and the one function that gives numbers.

-- The bytes of a text: its length in UTF-8 as four bytes, big-endian, then the text; null is ffffffff alone.
create function audit.text_bytes(value text)
  returns bytea
  language sql
  stable
return coalesce(int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8'), '\xffffffff'::bytea);

-- state, or before for the first: 32 bytes; seq as eight bytes, big-endian.
create function audit.link(state bytea, before bytea, seq bigint, event bytea)
  returns bytea
  language sql
  immutable
return sha256('\x01'::bytea || coalesce(state, before) || int8send(seq) || event);

create aggregate audit.linked(before bytea, seq bigint, event bytea) (
  sfunc = audit.link,
  stype = bytea
);

-- Seals about `most` events, oldest first, and says how many markers that were; null: it is another's turn. One transaction for
-- number, hash, head and marker: whoever dies leaves nothing half done, and two never give the same number. Nested loops,
-- whatever the statistics say of a queue that is empty at times.
create function audit.seal(most integer)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set enable_hashjoin = off
  set enable_mergejoin = off
  set enable_seqscan = off
  set jit = off
as $$
declare
  last timestamptz;
  stamp timestamptz;
  tenants uuid[];
  firsts uuid[];
  lasts uuid[];
  counts integer[];
  times timestamptz[];
  sealed integer;
begin
  if not exists (select from audit.pending order by first_event_id limit 1) then
    return 0;
  end if;
  select s.sealed_at
  into last
  from audit.sealing as s
  for update skip locked;
  if not found then
    return null;
  end if;

  with oldest as (
    select p.first_event_id, p.events
    from audit.pending as p
    order by p.first_event_id
    limit most
  ),
  counted as (
    select o.first_event_id, sum(o.events) over (order by o.first_event_id) - o.events as before
    from oldest as o
  ),
  taken as (
    delete from audit.pending as p
    using counted as c
    where p.first_event_id = c.first_event_id
      and c.before < most
    returning p.*
  )
  select array_agg(t.tenant_id), array_agg(t.first_event_id), array_agg(t.last_event_id), array_agg(t.events),
    array_agg(t.occurred_at), greatest(clock_timestamp(), last + interval '1 microsecond', max(t.occurred_at))
  into tenants, firsts, lasts, counts, times, stamp
  from taken as t;

  with found as (
    -- a marker may claim what it likes: no event is sealed twice, and none of another tenant's
    select distinct on (e.tenant_id, e.event_id) e.*
    from unnest(tenants, firsts, lasts, counts, times) as m (tenant_id, first_event_id, last_event_id, events, occurred_at)
    cross join lateral (
      select e.*
      from audit.events as e
      where e.tenant_id = m.tenant_id
        and e.event_id between m.first_event_id and m.last_event_id
        and e.occurred_at = m.occurred_at
        and not exists (
          select
          from audit.chain as c
          where c.tenant_id = e.tenant_id
            and c.event_id = e.event_id
            and c.sealed_at >= e.occurred_at
        )
      order by e.event_id
      limit m.events
    ) as e
    order by e.tenant_id, e.event_id
  ),
  numbered as (
    select f.tenant_id, f.event_id, f.occurred_at,
      coalesce(h.seq, 0) + row_number() over (partition by f.tenant_id order by f.event_id) as seq,
      coalesce(h.hash, decode(repeat('00', 32), 'hex')) as before,
      uuid_send(f.tenant_id) || uuid_send(f.event_id) || timestamptz_send(f.occurred_at)
        || audit.text_bytes(f.actor) || audit.text_bytes(f.request_id) || audit.text_bytes(f.action)
        || audit.text_bytes(f.entity) || audit.text_bytes(f.record_id::text) || audit.text_bytes(f.body) as event
    from found as f
    left join audit.heads as h on h.tenant_id = f.tenant_id
  ),
  linked as (
    insert into audit.chain as c (tenant_id, seq, event_id, occurred_at, hash, sealed_at)
    select n.tenant_id, n.seq, n.event_id, n.occurred_at,
      audit.linked(n.before, n.seq, n.event) over (partition by n.tenant_id order by n.event_id rows unbounded preceding),
      stamp
    from numbered as n
    returning c.tenant_id, c.seq, c.hash
  ),
  moved as (
    insert into audit.heads as h (tenant_id, seq, hash, sealed_at)
    select distinct on (l.tenant_id) l.tenant_id, l.seq, l.hash, stamp
    from linked as l
    order by l.tenant_id, l.seq desc
    on conflict (tenant_id) do update
      set seq = excluded.seq,
          hash = excluded.hash,
          sealed_at = excluded.sealed_at
  )
  select count(*)
  into sealed
  from linked;

  update audit.sealing
  set sealed_at = stamp,
      events = events + sealed;
  return cardinality(tenants);
end
$$;

grant execute on function audit.seal(integer) to bss_control;

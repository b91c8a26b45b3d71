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

-- Seals about `most` events and says how many markers that took; null: it is another's turn. Each of some tenants gets an equal
-- share of events and bytes, its own oldest first, and the next call goes on with those behind them: however much one has
-- written, or claims to, the others go on. A marker over more than the share is sealed in pieces. One transaction for number,
-- hash, head and marker: whoever dies leaves nothing half done, and two never give the same number. Nested loops, whatever the
-- statistics say of a queue that is empty at times.
create function audit.seal(most integer)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set enable_hashjoin = off
  set enable_mergejoin = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_material = off
  set jit = off
as $$
declare
  -- in one call, and of the markers of one tenant
  most_tenants constant integer := 256;
  most_empty constant integer := 16;
  bytes_per_event constant bigint := 4096;
  state audit.sealing;
  stamp timestamptz;
  turns uuid[];
  share integer;
  tenants uuid[];
  firsts uuid[];
  afters uuid[];
  lasts uuid[];
  looked integer[];
  whole boolean[];
  times timestamptz[];
  sealed integer;
begin
  if not exists (select from audit.pending) then
    return 0;
  end if;
  select s.*
  into state
  from audit.sealing as s
  for update skip locked;
  if not found then
    return null;
  end if;

  with recursive next as (
    select coalesce(
      (select p.tenant_id from audit.pending as p where p.tenant_id > state.turn_of order by p.tenant_id limit 1),
      (select p.tenant_id from audit.pending as p order by p.tenant_id limit 1)
    ) as tenant_id, 1 as n
    union all
    select (select p.tenant_id from audit.pending as p where p.tenant_id > t.tenant_id order by p.tenant_id limit 1), t.n + 1
    from next as t
    where t.tenant_id is not null
      and t.n < least(most_tenants, most)
  )
  select array_agg(t.tenant_id order by t.n)
  into turns
  from next as t
  where t.tenant_id is not null;
  if turns is null then
    return 0;
  end if;
  share := greatest(1, most / cardinality(turns));

  with taken as (
    select m.*
    from unnest(turns) as t (tenant_id)
    cross join lateral (
      select p.*, least(p.events, share) as piece,
        row_number() over (order by p.first_event_id) as place,
        sum(least(p.events, share)) over (order by p.first_event_id) - least(p.events, share) as claimed_before
      from (
        select *
        from audit.pending as p
        where p.tenant_id = t.tenant_id
        order by p.first_event_id
        limit greatest(share, most_empty)
      ) as p
    ) as m
    -- what a marker claims may not be there
    where m.claimed_before < share
      or m.place <= most_empty
  ),
  looked_at as (
    select t.*, l.last_looked, coalesce(l.looked, 0) as looked, coalesce(l.bytes, 0) as bytes,
      t.events <= coalesce(l.looked, 0)
        or coalesce(l.seen, 0) < t.piece and coalesce(l.seen, 0) = coalesce(l.looked, 0) as is_whole
    from taken as t
    left join lateral (
      select max(s.seen) as seen,
        count(*) filter (where s.is_within) as looked,
        sum(s.size) filter (where s.is_within) as bytes,
        (array_agg(s.event_id order by s.event_id desc) filter (where s.is_within))[1] as last_looked
      from (
        select e.event_id, e.size, row_number() over inorder as seen,
          sum(e.size) over inorder - e.size < share * bytes_per_event as is_within
        from (
          -- As many as there may be, whatever they are: what is not of the marker's time is left out later.
          select e.event_id, octet_length(e.body) as size
          from audit.events as e
          where e.tenant_id = t.tenant_id
            and e.event_id between coalesce(t.done_event_id, t.first_event_id) and t.last_event_id
            and e.event_id is distinct from t.done_event_id
            and e.occurred_at >= date_trunc('month', t.occurred_at at time zone 'UTC') at time zone 'UTC'
            and e.occurred_at < (date_trunc('month', t.occurred_at at time zone 'UTC') + interval '1 month') at time zone 'UTC'
          order by e.event_id
          limit t.piece
        ) as e
        window inorder as (order by e.event_id)
      ) as s
    ) as l on true
  ),
  counted as (
    select l.*,
      sum(l.looked) over inorder - l.looked as looked_before,
      sum(l.bytes) over inorder - l.bytes as bytes_before
    from looked_at as l
    window inorder as (partition by l.tenant_id order by l.first_event_id)
  )
  select array_agg(c.tenant_id), array_agg(c.first_event_id), array_agg(coalesce(c.done_event_id, c.first_event_id)),
    array_agg(c.last_looked), array_agg(c.looked), array_agg(c.is_whole), array_agg(c.occurred_at),
    greatest(clock_timestamp(), state.sealed_at + interval '1 microsecond', max(c.occurred_at))
  into tenants, firsts, afters, lasts, looked, whole, times, stamp
  from counted as c
  where c.looked_before < share
    and c.bytes_before < share * bytes_per_event;

  delete from audit.pending as p
  using unnest(tenants, firsts, whole) as m (tenant_id, first_event_id, is_whole)
  where p.tenant_id = m.tenant_id
    and p.first_event_id = m.first_event_id
    and m.is_whole;

  update audit.pending as p
  set done_event_id = m.last_event_id,
      events = p.events - m.looked
  from unnest(tenants, firsts, lasts, looked, whole) as m (tenant_id, first_event_id, last_event_id, looked, is_whole)
  where p.tenant_id = m.tenant_id
    and p.first_event_id = m.first_event_id
    and not m.is_whole;

  with found as (
    -- a marker may claim what it likes: no event is sealed twice, and none of another tenant's
    select distinct on (e.tenant_id, e.event_id) e.*
    from unnest(tenants, afters, lasts, times) as m (tenant_id, first_event_id, last_event_id, occurred_at)
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
      events = events + sealed,
      turn_of = turns[cardinality(turns)];
  return cardinality(tenants);
end
$$;

grant execute on function audit.seal(integer) to bss_control;

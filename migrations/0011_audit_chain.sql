-- The chain of the audit trail: every committed event gets, within its tenant, a number without gaps and a hash over the one
-- before and its own bytes. What no marker in audit.pending names is sealed. Trail and chain are partitioned by month
-- (UTC), so that what has outlived its retention leaves without deleting a row. While this runs, whatever writes waits: it reads
-- the whole trail once to mark it.

-- The commitments of personal values are in the body and hashed; what opens them is here, and can be erased.
alter table audit.events add column openings text;

-- When the event happened: with it, an event is looked for in one partition. It is the transaction's time, as the event's own is.
alter table audit.pending add column occurred_at timestamptz not null default now();

-- Up to which event a marker is done that is sealed in pieces; `events` is what is left of it.
alter table audit.pending add column done_event_id uuid;

-- By tenant, so that each has its turn; what one writes into its markers is no matter of another.
alter table audit.pending drop constraint pending_pkey;
alter table audit.pending add constraint pending_pkey primary key (tenant_id, first_event_id);

revoke insert on audit.pending from bss_tenant, bss_control;
grant insert (tenant_id, first_event_id, last_event_id, events) on audit.pending to bss_tenant, bss_control;

drop function audit.take_pending(integer);
drop function audit.mark_published(uuid[]);

-- Whatever is there gets sealed, what was published too: a marker for what one transaction wrote, or more if that was much.
delete from audit.pending;

insert into audit.pending (tenant_id, first_event_id, last_event_id, events, occurred_at)
select tenant_id, min(event_id::text)::uuid, max(event_id::text)::uuid, count(*), occurred_at
from (
  select e.tenant_id, e.event_id, e.occurred_at,
    (row_number() over (partition by e.tenant_id, e.occurred_at, left(e.event_id::text, 28) order by e.event_id) - 1) / 100000
      as part
  from audit.events as e
) as e
group by tenant_id, occurred_at, left(event_id::text, 28), part;

-- The ids of one statement differ in their last 32 bits. Without it, a marker of one tenant could have the sealer look through
-- all of its trail.
alter table audit.pending add constraint pending_range_check
  check (left(first_event_id::text, 28) = left(last_event_id::text, 28));

create table audit.partitioned (like audit.events including defaults) partition by range (occurred_at);

do $trail$
declare
  month constant timestamp := date_trunc('month', now() at time zone 'UTC');
  name constant text := format('events_%s', to_char(month, 'YYYYMM'));
begin
  drop policy tenant_reads on audit.events;
  drop policy tenant_writes on audit.events;
  drop policy control_writes on audit.events;
  drop policy publisher_reads on audit.events;
  revoke all on audit.events from bss_tenant, bss_control;
  revoke insert (tenant_id, event_id, actor, request_id, action, entity, record_id, body) on audit.events
    from bss_tenant, bss_control;
  execute format('alter table audit.events rename to %I', name);
  alter table audit.partitioned rename to events;
  execute format(
    'alter table audit.events attach partition audit.%I for values from (minvalue) to (%L)',
    name, (month + interval '1 month') at time zone 'UTC'
  );
end
$trail$;

-- Where a tenant's chain ends, and where it begins by now. Before the first event: 32 zero bytes.
create table audit.heads (
  tenant_id uuid not null,
  seq bigint not null,
  hash bytea not null,
  sealed_at timestamptz not null,
  -- the last event that has left with its partition, and before when whatever was sealed has
  anchor_seq bigint not null default 0,
  anchor_hash bytea not null default decode(repeat('00', 32), 'hex'),
  anchor_before timestamptz,
  constraint heads_pkey primary key (tenant_id),
  constraint heads_seq_check check (seq >= anchor_seq and anchor_seq >= 0),
  constraint heads_hash_check check (octet_length(hash) = 32 and octet_length(anchor_hash) = 32)
);

create index heads_sealed_at_idx on audit.heads (sealed_at);

-- Whose turn it is to seal is who holds the lock on its one row. Times of sealing only grow, whatever the clock does.
create table audit.sealing (
  one boolean not null default true,
  sealed_at timestamptz not null default now(),
  -- of all tenants together
  events bigint not null default 0,
  -- the last tenant that was given its share
  turn_of uuid not null default '00000000-0000-0000-0000-000000000000',
  constraint sealing_pkey primary key (one),
  constraint sealing_one_check check (one)
);

insert into audit.sealing default values;

-- No keys across partitions: numbers are given by whoever holds the turn, and each is given once.
create table audit.chain (
  tenant_id uuid not null,
  seq bigint not null,
  event_id uuid not null,
  occurred_at timestamptz not null,
  hash bytea not null,
  sealed_at timestamptz not null,
  constraint chain_seq_check check (seq > 0),
  constraint chain_hash_check check (octet_length(hash) = 32)
) partition by range (sealed_at);

alter table audit.events enable row level security;
alter table audit.events force row level security;
alter table audit.heads enable row level security;
alter table audit.heads force row level security;
alter table audit.sealing enable row level security;
alter table audit.sealing force row level security;
alter table audit.chain enable row level security;
alter table audit.chain force row level security;

create policy tenant_reads on audit.events
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy tenant_writes on audit.events
  for insert
  to bss_tenant
  with check (array[tenant_id::text, actor] = (select bss.identity()));

-- The control plane writes to the trail of the tenant it works on; in the platform's own context to any tenant's.
create policy control_writes on audit.events
  for insert
  to bss_control
  with check (
    actor = (select (bss.identity())[2])
    and (select bss.tenant()) in (bss.platform(), tenant_id)
  );

create policy sealer_reads on audit.events
  for select
  to bss_owner
  using (true);

drop policy publisher on audit.pending;

create policy sealer on audit.pending
  to bss_owner
  using (true)
  with check (true);

create policy sealer on audit.heads
  to bss_owner
  using (true)
  with check (true);

create policy sealer on audit.sealing
  to bss_owner
  using (true)
  with check (true);

create policy sealer on audit.chain
  to bss_owner
  using (true)
  with check (true);

create policy tenant_reads on audit.heads
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy tenant_reads on audit.chain
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control_reads on audit.heads
  for select
  to bss_control
  using ((select bss.tenant()) = bss.platform());

create policy control_reads on audit.sealing
  for select
  to bss_control
  using ((select bss.tenant()) = bss.platform());

create policy control_reads on audit.chain
  for select
  to bss_control
  using ((select bss.tenant()) = bss.platform());

-- Not occurred_at: when it happened is not for the writer to say.
grant select (tenant_id, event_id, occurred_at, actor, request_id, action, entity, record_id, body) on audit.events to bss_tenant;
grant insert (tenant_id, event_id, actor, request_id, action, entity, record_id, body) on audit.events to bss_tenant, bss_control;
grant select on audit.heads, audit.chain to bss_tenant;
grant select on audit.heads, audit.sealing, audit.chain to bss_control;

-- Partitions from this month on, some months ahead, and one for what comes when nobody has made any: the trail always takes an
-- event. Each has row-level security, forced and without any policy, and no grant: it is reached by way of its table alone.
create function audit.make_partitions(months_ahead integer)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '200ms'
as $$
declare
  place record;
begin
  for place in
    select t.parent, t.indexed,
      t.parent || '_' || coalesce(to_char(m.month, 'YYYYMM'), 'default') as name,
      case
        when m.month is null then 'default'
        else format('for values from (%L) to (%L)', m.month at time zone 'UTC', (m.month + interval '1 month') at time zone 'UTC')
      end as bounds
    from (values
      ('events', array['(tenant_id, event_id)']),
      ('chain', array['(tenant_id, seq)', '(tenant_id, event_id)']),
      ('proofs', array['(tenant_id, number)'])
    ) as t (parent, indexed)
    cross join (
      select null::timestamp as month
      union all
      select date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead)
      from generate_series(0, months_ahead) as ahead
    ) as m
    where to_regclass('audit.' || t.parent) is not null
    order by m.month nulls last
  loop
    continue when to_regclass(format('audit.%I', place.name)) is not null;
    begin
      execute format('create table audit.%I (like audit.%I including defaults including constraints)', place.name, place.parent);
      execute format('alter table audit.%I enable row level security', place.name);
      execute format('alter table audit.%I force row level security', place.name);
      execute format('alter table audit.%I add primary key %s', place.name, place.indexed[1]);
      if place.indexed[2] is not null then
        execute format('create unique index on audit.%I %s', place.name, place.indexed[2]);
        -- what a partition of the trail is waited for by
        execute format('create index on audit.%I using brin (occurred_at)', place.name);
      end if;
      execute format('alter table audit.%I attach partition audit.%I %s', place.parent, place.name, place.bounds);
    exception
      -- The default partition has events of that month already: they stay there.
      when check_violation then
        raise warning 'partition % of the audit trail was not made in time', place.name;
    end;
  end loop;
end
$$;

-- Sealed events of a tenant behind `after`, in order: for that tenant, and for the platform.
create function audit.sealed(of_tenant uuid, after bigint, most integer)
  returns table (
    seq bigint,
    hash bytea,
    sealed_at timestamptz,
    event_id uuid,
    occurred_at timestamptz,
    actor text,
    request_id text,
    action text,
    entity text,
    record_id uuid,
    body text
  )
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.seq, c.hash, c.sealed_at, c.event_id, c.occurred_at, e.actor, e.request_id, e.action, e.entity, e.record_id, e.body
  from (
    select *
    from audit.chain as c
    where c.tenant_id = of_tenant
      and c.seq > after
      and (select bss.tenant()) in (bss.platform(), of_tenant)
    order by c.seq
    limit most
  ) as c
  cross join lateral (
    select *
    from audit.events as e
    where e.tenant_id = c.tenant_id
      and e.event_id = c.event_id
      and e.occurred_at = c.occurred_at
    limit 1
  ) as e
  order by c.seq;
end;

grant execute on function audit.make_partitions(integer), audit.sealed(uuid, bigint, integer) to bss_control;

select audit.make_partitions(3);

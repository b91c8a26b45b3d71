-- Publishing of the sealed trail: which places outside take it, who tells them, and how far each has each tenant's events.
-- The control plane alone sees it, in the platform's own context: no tenant learns of the places of the operator.

create table audit.sinks (
  sink text not null,
  -- where it is, without secrets
  label text not null,
  created_at timestamptz not null default now(),
  -- an instance that has it in its settings and its turn says so every few seconds
  used_at timestamptz not null default now(),
  -- One instance at a time. The fence grows whenever the turn goes to another: it refuses what the former one has left to say.
  holder uuid not null,
  holds_until timestamptz not null,
  fence bigint not null default 1,
  -- attempts in a row that it did not take anything in, and what the last one met with
  failures integer not null default 0,
  failing_since timestamptz,
  error text,
  constraint sinks_pkey primary key (sink),
  constraint sinks_sink_check check (sink ~ '^[a-z0-9][a-z0-9.-]{0,99}$'),
  constraint sinks_failing_check check ((failures > 0) = (failing_since is not null))
);

create table audit.publishing (
  sink text not null,
  tenant_id uuid not null,
  -- the last event that was taken, or skipped
  seq bigint not null default 0,
  moved_at timestamptz,
  -- attempts in a row with the event behind it, when it was sent by itself, and when it is tried again
  failures integer not null default 0,
  next_try_at timestamptz,
  -- since when it is refused while others are taken
  parked_at timestamptz,
  error text,
  constraint publishing_pkey primary key (sink, tenant_id),
  constraint publishing_sink_fkey foreign key (sink) references audit.sinks (sink),
  constraint publishing_seq_check check (seq >= 0),
  constraint publishing_failures_check check ((failures > 0) = (next_try_at is not null)),
  constraint publishing_parked_check check (parked_at is null or failures > 0)
)
-- a row moves many times a second, and none of its indexed columns does while all is well
with (fillfactor = 50);

create index publishing_next_try_idx on audit.publishing (sink, next_try_at) where failures > 0;

alter table audit.sinks enable row level security;
alter table audit.sinks force row level security;
alter table audit.publishing enable row level security;
alter table audit.publishing force row level security;

create policy control on audit.sinks
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

create policy control on audit.publishing
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

create policy publisher_reads on audit.sinks
  for select
  to bss_owner
  using (true);

create policy publisher_reads on audit.publishing
  for select
  to bss_owner
  using (true);

-- Where a place is known by its name, it stays: not even the control plane forgets how far it was.
grant select, insert, update on audit.sinks, audit.publishing to bss_control;

-- Up to where each tenant's trail is with every place that takes it, for retention; nothing when there is no such place. One that
-- nobody has in the settings any more is waited for a week.
create function audit.published()
  returns table (tenant_id uuid, seq bigint)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select h.tenant_id, min(coalesce(p.seq, 0))
  from audit.sinks as s
  cross join audit.heads as h
  left join audit.publishing as p on p.sink = s.sink and p.tenant_id = h.tenant_id
  where s.used_at > now() - interval '7 days'
  group by h.tenant_id;
end;

grant execute on function audit.published() to bss_control;

-- In the order of its keys, whatever the statistics say of a new tenant: else each look at a backlog reads and sorts all of it.
alter function audit.sealed(uuid, bigint, integer) set enable_sort = off;
alter function audit.sealed(uuid, bigint, integer) set enable_bitmapscan = off;
alter function audit.sealed(uuid, bigint, integer) set enable_seqscan = off;

-- The audit trail. A row is written in the transaction it tells of, by the actor that Postgres verified; nobody may
-- update, delete or truncate it. `pending` marks what has not been published yet.

create schema audit;

grant usage on schema audit to bss_control, bss_tenant;

create table audit.events (
  tenant_id uuid not null,
  event_id uuid not null,
  occurred_at timestamptz not null default now(),
  actor text not null,
  request_id text not null,
  action text not null,
  entity text,
  record_id uuid,
  -- the exact JSON text, kept as written because it is what later gets hashed
  body text not null,
  constraint events_pkey primary key (tenant_id, event_id)
);

alter table audit.events enable row level security;
alter table audit.events force row level security;

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

create policy publisher_reads on audit.events
  for select
  to bss_owner
  using (true);

-- Not occurred_at: when it happened is not for the writer to say.
grant select on audit.events to bss_tenant;
grant insert (tenant_id, event_id, actor, request_id, action, entity, record_id, body) on audit.events to bss_tenant, bss_control;

-- One marker per statement that wrote events: their ids are consecutive, so the first and the last name all of them.
create table audit.pending (
  tenant_id uuid not null,
  first_event_id uuid not null,
  last_event_id uuid not null,
  events integer not null,
  constraint pending_pkey primary key (first_event_id),
  constraint pending_events_check check (events between 1 and 100000)
);

alter table audit.pending enable row level security;
alter table audit.pending force row level security;

create policy tenant_writes on audit.pending
  for insert
  to bss_tenant
  with check (tenant_id = (select bss.tenant()));

create policy control_writes on audit.pending
  for insert
  to bss_control
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

create policy publisher on audit.pending
  to bss_owner
  using (true)
  with check (true);

grant insert on audit.pending to bss_tenant, bss_control;

-- Events to publish, oldest first and about `batch_size` of them, their markers locked until the caller's transaction ends:
-- two publishers never take the same event.
create function audit.take_pending(batch_size integer)
  returns setof audit.events
  language sql
  security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with locked as (
    select p.*
    from audit.pending as p
    order by p.first_event_id
    limit batch_size
    for update skip locked
  ),
  counted as (
    select l.*, sum(l.events) over (order by l.first_event_id) as running
    from locked as l
  )
  select e.*
  from counted as c
  join audit.events as e
    on e.tenant_id = c.tenant_id
    and e.event_id between c.first_event_id and c.last_event_id
  where c.running - c.events < batch_size
  order by e.event_id
  -- a marker may claim what it likes: one tenant's never fills the publisher's memory
  limit batch_size + 100000;
end;

-- Forgets the markers of what `take_pending` gave: it gives all events of a marker or none.
create function audit.mark_published(event_ids uuid[])
  returns void
  language sql
  security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from audit.pending
  where first_event_id = any (event_ids);
end;

grant execute on function audit.take_pending(integer), audit.mark_published(uuid[]) to bss_control;

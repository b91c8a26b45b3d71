-- Changes of definitions: what is being applied, what was dropped and is kept, which packs a tenant has, and rollouts.

-- A dropped entity keeps its row, and its name is free again.
alter table business_store_service.tenant_schemas
  drop constraint tenant_schemas_name_key,
  -- of the table, while a dropped entity is kept
  add column hidden_table text,
  add column dropped_at timestamptz,
  add column purge_at timestamptz,
  add column purged_at timestamptz,
  -- while a change is prepared: the columns that every write keeps in step
  add column transition json,
  -- of an entity that belongs to a pack: which one, and what of the document is the tenant's own
  add column pack text,
  add column pack_version text,
  add column additions json,
  add constraint tenant_schemas_dropped_check check ((dropped_at is null) = (purge_at is null)),
  add constraint tenant_schemas_pack_check check ((pack is null) = (pack_version is null));

create unique index tenant_schemas_name_key on business_store_service.tenant_schemas (tenant_id, name) where dropped_at is null;
create index tenant_schemas_purge_at_idx on business_store_service.tenant_schemas (purge_at)
  where purge_at is not null and purged_at is null;

-- What a version says beyond its document: the entity's name then, and where its properties came from.
alter table business_store_service.entity_versions
  add column name text,
  add column lineage json;

-- One row per change that could not be one transaction: where it stands, so that whoever comes next goes on there.
create table business_store_service.schema_changes (
  tenant_id uuid not null,
  change_id uuid not null,
  entity_id uuid not null,
  entity text not null,
  from_version integer not null,
  document json not null,
  hash text not null,
  -- what the plan allowed and found, as it was answered
  plan json not null,
  allow text[] not null,
  status text not null default 'running',
  -- prepared steps that are done
  steps_done integer not null default 0,
  -- of the step at hand: rows done and the last id
  progress json,
  error json,
  created_at timestamptz not null default now(),
  created_by text not null,
  request_id text not null,
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  lease_holder uuid,
  lease_until timestamptz,
  constraint schema_changes_pkey primary key (tenant_id, change_id),
  constraint schema_changes_entity_fkey foreign key (tenant_id, entity_id)
    references business_store_service.tenant_schemas (tenant_id, entity_id),
  constraint schema_changes_status_check check (status in ('running', 'aborting', 'done', 'failed', 'aborted'))
);

-- One change of an entity at a time.
create unique index schema_changes_running_key on business_store_service.schema_changes (tenant_id, entity_id)
  where status in ('running', 'aborting');

alter table business_store_service.schema_changes enable row level security;
alter table business_store_service.schema_changes force row level security;

create policy tenant_isolation_policy on business_store_service.schema_changes
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on business_store_service.schema_changes
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

grant select on business_store_service.schema_changes to bss_tenant;
grant select, insert, update on business_store_service.schema_changes to bss_control;

-- Dropped properties whose columns are kept, hidden, until they are restored or purged.
create table business_store_service.retained_properties (
  tenant_id uuid not null,
  entity_id uuid not null,
  column_name text not null,
  property text not null,
  -- of the property, as the last document with it had it
  definition json not null,
  required boolean not null,
  dropped_version integer not null,
  dropped_at timestamptz not null default now(),
  dropped_by text not null,
  purge_at timestamptz not null,
  constraint retained_properties_pkey primary key (tenant_id, entity_id, column_name),
  constraint retained_properties_entity_fkey foreign key (tenant_id, entity_id)
    references business_store_service.tenant_schemas (tenant_id, entity_id)
);

create index retained_properties_purge_at_idx on business_store_service.retained_properties (purge_at);

alter table business_store_service.retained_properties enable row level security;
alter table business_store_service.retained_properties force row level security;

create policy tenant_isolation_policy on business_store_service.retained_properties
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on business_store_service.retained_properties
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

grant select on business_store_service.retained_properties to bss_tenant;
grant select, insert, delete on business_store_service.retained_properties to bss_control;

-- The control plane looks for what is to be purged or caught up in all tenants at once, in the platform's own context.
drop policy control on business_store_service.tenant_schemas;
create policy control on business_store_service.tenant_schemas
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

-- Which packs a tenant has.
create table business_store_service.tenant_packs (
  tenant_id uuid not null references business_store_service.tenants (id),
  pack text not null,
  version text not null,
  installed_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tenant_packs_pkey primary key (tenant_id, pack)
);

alter table business_store_service.tenant_packs enable row level security;
alter table business_store_service.tenant_packs force row level security;

create policy tenant_isolation_policy on business_store_service.tenant_packs
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on business_store_service.tenant_packs
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

grant select on business_store_service.tenant_packs to bss_tenant;
grant select, insert, update on business_store_service.tenant_packs to bss_control;

-- A version of a pack on its way to many tenants, ring by ring.
create table business_store_service.rollouts (
  rollout_id uuid primary key,
  pack text not null,
  version text not null,
  rings json not null,
  concurrency integer not null,
  allow text[] not null,
  status text not null default 'running',
  -- the ring at hand
  ring integer not null default 0,
  reason text,
  created_at timestamptz not null default now(),
  created_by text not null,
  request_id text not null,
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint rollouts_status_check check (status in ('running', 'paused', 'done', 'cancelled')),
  constraint rollouts_concurrency_check check (concurrency between 1 and 32)
);

-- One rollout of a pack at a time.
create unique index rollouts_pack_key on business_store_service.rollouts (pack) where status in ('running', 'paused');

alter table business_store_service.rollouts enable row level security;
alter table business_store_service.rollouts force row level security;

create policy control on business_store_service.rollouts
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

grant select, insert, update on business_store_service.rollouts to bss_control;

create table business_store_service.rollout_tenants (
  rollout_id uuid not null references business_store_service.rollouts (rollout_id),
  tenant_id uuid not null references business_store_service.tenants (id),
  ring integer not null,
  status text not null default 'pending',
  attempts integer not null default 0,
  from_version text not null,
  -- of the last attempt
  error json,
  started_at timestamptz,
  finished_at timestamptz,
  -- pending again after something that passes, such as a lock: not before
  retry_at timestamptz,
  lease_holder uuid,
  lease_until timestamptz,
  constraint rollout_tenants_pkey primary key (rollout_id, tenant_id),
  constraint rollout_tenants_status_check check (status in ('pending', 'running', 'done', 'failed', 'suspended', 'skipped'))
);

create index rollout_tenants_status_idx on business_store_service.rollout_tenants (rollout_id, status, ring, tenant_id);
create index rollout_tenants_running_idx on business_store_service.rollout_tenants (tenant_id) where status = 'running';
-- what somebody has to do, or to wait for
create index rollout_tenants_open_idx on business_store_service.rollout_tenants (rollout_id)
  where status in ('pending', 'running', 'suspended');

alter table business_store_service.rollout_tenants enable row level security;
alter table business_store_service.rollout_tenants force row level security;

create policy control on business_store_service.rollout_tenants
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

grant select, insert, update on business_store_service.rollout_tenants to bss_control;

-- Changes of definitions look at rows inside the tenant, in the transaction that changes the table: the control plane's login
-- may enter as the tenant's role, with a signed context like everybody.
create function bss.grant_tenant_roles()
  returns void
  language plpgsql
as $$
declare
  tenant_role text;
begin
  for tenant_role in
    select r.rolname
    from pg_catalog.pg_roles as r
    join pg_catalog.pg_namespace as n on n.nspname = 't_' || substr(r.rolname, 4)
    where r.rolname like 'tn\_%'
  loop
    execute format('grant %I to bss_migrator', tenant_role);
  end loop;
end
$$;

grant execute on function bss.grant_tenant_roles() to bss_migrator;
set local role none;
select bss.grant_tenant_roles();
set local role bss_owner;
drop function bss.grant_tenant_roles();

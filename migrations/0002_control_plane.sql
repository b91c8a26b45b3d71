-- Tenants and the definitions of their entities. Shared tables: FORCE RLS, every key starts with the tenant.

create schema business_store_service;

grant usage on schema business_store_service to bss_control, bss_tenant;

create table business_store_service.tenants (
  id uuid primary key,
  slug text not null,
  name text not null,
  status text not null default 'active',
  schema_name text not null,
  role_name text not null,
  owner_role_name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- moves with every change that other instances must notice: status, name, definitions
  changed_at timestamptz not null default now(),
  constraint tenants_slug_key unique (slug),
  constraint tenants_schema_name_key unique (schema_name),
  constraint tenants_slug_check check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  constraint tenants_name_check check (char_length(name) between 1 and 200),
  constraint tenants_status_check check (status in ('active', 'suspended'))
);

create index tenants_changed_at_idx on business_store_service.tenants (changed_at);

alter table business_store_service.tenants enable row level security;
alter table business_store_service.tenants force row level security;

create policy control on business_store_service.tenants
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), id))
  with check ((select bss.tenant()) in (bss.platform(), id));

grant select, insert, update on business_store_service.tenants to bss_control;

-- The current definition of each entity.
create table business_store_service.tenant_schemas (
  tenant_id uuid not null references business_store_service.tenants (id),
  entity_id uuid not null,
  name text not null,
  version integer not null,
  -- json, not jsonb: the author's order of properties is the order of columns and of responses
  document json not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tenant_schemas_pkey primary key (tenant_id, entity_id),
  constraint tenant_schemas_name_key unique (tenant_id, name)
);

alter table business_store_service.tenant_schemas enable row level security;
alter table business_store_service.tenant_schemas force row level security;

create policy tenant_isolation_policy on business_store_service.tenant_schemas
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on business_store_service.tenant_schemas
  to bss_control
  using (tenant_id = (select bss.tenant()))
  with check (tenant_id = (select bss.tenant()));

grant select on business_store_service.tenant_schemas to bss_tenant;
grant select, insert, update on business_store_service.tenant_schemas to bss_control;

-- Every definition there ever was: a linear history per entity.
create table business_store_service.entity_versions (
  tenant_id uuid not null,
  entity_id uuid not null,
  version integer not null,
  document json not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  request_id text not null,
  constraint entity_versions_pkey primary key (tenant_id, entity_id, version),
  constraint entity_versions_entity_fkey foreign key (tenant_id, entity_id)
    references business_store_service.tenant_schemas (tenant_id, entity_id)
);

alter table business_store_service.entity_versions enable row level security;
alter table business_store_service.entity_versions force row level security;

create policy tenant_isolation_policy on business_store_service.entity_versions
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on business_store_service.entity_versions
  to bss_control
  using (tenant_id = (select bss.tenant()))
  with check (tenant_id = (select bss.tenant()));

grant select on business_store_service.entity_versions to bss_tenant;
grant select, insert on business_store_service.entity_versions to bss_control;

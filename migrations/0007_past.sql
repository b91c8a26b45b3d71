-- What entities keep of their past: since when and for how long, and the partitions it is kept in. The rows themselves are in the
-- schema of their tenant.

create table business_store_service.past_tables (
  tenant_id uuid not null,
  entity_id uuid not null,
  kind text not null,
  -- what becomes past is kept from here on; null while the document does not ask for it
  since timestamptz,
  -- null: until it is purged
  keep_days integer,
  constraint past_tables_pkey primary key (tenant_id, entity_id, kind),
  constraint past_tables_entity_fkey foreign key (tenant_id, entity_id)
    references business_store_service.tenant_schemas (tenant_id, entity_id),
  constraint past_tables_kind_check check (kind in ('history', 'deleted')),
  constraint past_tables_keep_days_check check (keep_days > 0)
);

-- The first of a table begins at -infinity; the last is open, without an upper bound.
create table business_store_service.past_partitions (
  tenant_id uuid not null,
  entity_id uuid not null,
  kind text not null,
  lower_bound timestamptz not null,
  upper_bound timestamptz,
  constraint past_partitions_pkey primary key (tenant_id, entity_id, kind, lower_bound),
  constraint past_partitions_table_fkey foreign key (tenant_id, entity_id, kind)
    references business_store_service.past_tables (tenant_id, entity_id, kind)
);

create index past_partitions_open_idx on business_store_service.past_partitions (lower_bound) where upper_bound is null;

alter table business_store_service.past_tables enable row level security;
alter table business_store_service.past_tables force row level security;
alter table business_store_service.past_partitions enable row level security;
alter table business_store_service.past_partitions force row level security;

create policy tenant_isolation_policy on business_store_service.past_tables
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on business_store_service.past_tables
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

create policy control on business_store_service.past_partitions
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

grant select on business_store_service.past_tables to bss_tenant;
grant select, insert, update, delete on business_store_service.past_tables to bss_control;
grant select, insert, update, delete on business_store_service.past_partitions to bss_control;

-- Imports: how far each of them is. A row moves on in the transaction that stores the records, so that whoever goes on with an
-- import after a crash stores none of them twice.

create table business_store_service.imports (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and writes would wait for it.
  tenant_id uuid not null,
  import_id uuid not null,
  entity text not null,
  format text not null,
  on_error text not null,
  -- members that are left out of every record
  ignored text[] not null default '{}',
  -- the members by which a record is known that is there already; without, such a record is refused
  conflict text[],
  state text not null default 'running',
  -- the request at work: of two that go on with the same import, one
  holder uuid not null,
  -- of what was sent: as far as it is stored, and SHA-256 of that
  lines bigint not null default 0,
  bytes bigint not null default 0,
  prefix_hash bytea not null,
  stored bigint not null default 0,
  failed bigint not null default 0,
  -- the first of the faults passed over
  errors json not null default '[]',
  -- why it was given up
  reason json,
  created_at timestamptz not null default now(),
  created_by text not null,
  request_id text not null,
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint imports_pkey primary key (tenant_id, import_id),
  constraint imports_format_check check (format in ('ndjson', 'csv')),
  constraint imports_on_error_check check (on_error in ('abort', 'skip')),
  constraint imports_state_check check (state in ('running', 'done', 'aborted', 'interrupted')),
  constraint imports_hash_check check (octet_length(prefix_hash) = 32),
  constraint imports_size_check check (octet_length(errors::text) <= 200000 and octet_length(reason::text) <= 200000)
);

create index imports_updated_at_idx on business_store_service.imports (updated_at);

alter table business_store_service.imports enable row level security;
alter table business_store_service.imports force row level security;

create policy tenant_reads on business_store_service.imports
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy tenant_begins on business_store_service.imports
  for insert
  to bss_tenant
  with check (array[tenant_id::text, created_by] = (select bss.identity()));

-- Anybody who may import goes on with what a colleague began.
create policy tenant_moves_on on business_store_service.imports
  for update
  to bss_tenant
  using (tenant_id = (select bss.tenant()))
  with check (tenant_id = (select bss.tenant()));

-- What nobody has touched for a month, of any tenant and by its time alone: the control plane never sees what was imported.
create policy control_sweeps on business_store_service.imports
  to bss_control
  using ((select bss.tenant()) = bss.platform() and updated_at < now() - interval '30 days');

-- Who began it, when and with what stays as it is.
grant
    select,
    insert (tenant_id, import_id, entity, format, on_error, ignored, conflict, holder, prefix_hash, created_by, request_id),
    update (state, holder, lines, bytes, prefix_hash, stored, failed, errors, reason, updated_at, finished_at)
  on business_store_service.imports to bss_tenant;
grant select (updated_at), delete on business_store_service.imports to bss_control;

-- The tenants' data keys, wrapped by keys that the database does not have. A tenant's own role reads nothing of them: keys are opened by
-- the control plane, in the context of the tenant whose they are.

-- What follows takes advisory locks, which the bootstrap of this version lets its owner take.
do $bootstrapped$
begin
  if not has_function_privilege('bss_owner', 'pg_catalog.pg_advisory_xact_lock_shared(integer, integer)', 'execute') then
    raise exception 'run `bss migrate` with DATABASE_ADMIN_URL once before this version is started';
  end if;
end
$bootstrapped$;

create table business_store_service.tenant_keys (
  tenant_id uuid not null,
  -- moves with every change of what is written or looked for under which key: whoever writes proves that it has heard of it
  epoch integer not null default 1,
  provider text not null,
  -- the provider's name for the key that wraps
  key_ref text not null,
  -- the version of the data key that everything new is encrypted with
  encrypt_version integer not null default 1,
  -- the version of the index key that is looked for, and those that are written
  index_version integer not null default 1,
  index_next integer,
  created_at timestamptz not null default now(),
  -- for good: nothing is readable any more
  destroyed_at timestamptz,
  constraint tenant_keys_pkey primary key (tenant_id),
  constraint tenant_keys_provider_check check (provider in ('local', 'auth-service', 'vault', 'aws-kms', 'pkcs11')),
  constraint tenant_keys_key_ref_check check (char_length(key_ref) between 1 and 2048),
  constraint tenant_keys_index_check check (index_next = index_version + 1)
);

create table business_store_service.data_keys (
  tenant_id uuid not null,
  purpose text not null,
  version integer not null,
  provider text not null,
  key_ref text not null,
  -- null once it is destroyed
  wrapped bytea,
  -- SHA-256 over a label, what the key is for, and the key: what is unwrapped has to be this one
  commitment bytea not null,
  created_at timestamptz not null default now(),
  -- nothing is under it any more, and it is not opened
  retired_at timestamptz,
  destroyed_at timestamptz,
  constraint data_keys_pkey primary key (tenant_id, purpose, version),
  constraint data_keys_tenant_fkey foreign key (tenant_id) references business_store_service.tenant_keys (tenant_id),
  constraint data_keys_purpose_check check (purpose in ('encrypt', 'index')),
  constraint data_keys_provider_check check (provider in ('local', 'auth-service', 'vault', 'aws-kms', 'pkcs11')),
  constraint data_keys_commitment_check check (octet_length(commitment) = 32),
  constraint data_keys_destroyed_check check ((wrapped is null) = (destroyed_at is not null))
);

alter table business_store_service.tenant_keys enable row level security;
alter table business_store_service.tenant_keys force row level security;
alter table business_store_service.data_keys enable row level security;
alter table business_store_service.data_keys force row level security;

create policy control on business_store_service.tenant_keys
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) = tenant_id);

create policy control on business_store_service.data_keys
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) = tenant_id);

grant
    select,
    insert (tenant_id, provider, key_ref),
    update (epoch, provider, key_ref, encrypt_version, index_version, index_next, destroyed_at)
  on business_store_service.tenant_keys to bss_control;

grant
    select,
    insert (tenant_id, purpose, version, provider, key_ref, wrapped, commitment),
    update (provider, key_ref, wrapped, retired_at, destroyed_at)
  on business_store_service.data_keys to bss_control;

-- Which of an entity's properties are encrypted, and under which names that never change: a name may be given again, an id is not.
alter table business_store_service.tenant_schemas add column fields json;
alter table business_store_service.entity_versions add column fields json;

-- Whoever writes encrypted values or looks for them proves that it knows the epoch of the tenant's keys, and holds it there until its
-- transaction ends: whoever moves it waits for those who write and look under the one before. So nobody is ever a stage behind.
create function bss.lock_keys(tenant uuid, exclusively boolean)
  returns void
  language sql
  volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select case
    when exclusively then pg_advisory_xact_lock(1801812339, hashtext(tenant::text))
    else pg_advisory_xact_lock_shared(1801812339, hashtext(tenant::text))
  end;
end;

create function bss.assert_keys(wanted integer)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  own constant uuid := bss.tenant();
  known integer;
begin
  perform bss.lock_keys(own, false);
  -- Behind the lock, in a snapshot of its own.
  select epoch into known
  from business_store_service.tenant_keys
  where tenant_id = own;
  if known is distinct from wanted then
    raise exception 'the keys of the tenant have changed' using errcode = 'BSK01';
  end if;
end
$$;

create policy epoch on business_store_service.tenant_keys
  for select
  to bss_owner
  using (tenant_id = (select bss.tenant()));

grant execute on function bss.lock_keys(uuid, boolean) to bss_control;
grant execute on function bss.assert_keys(integer) to bss_tenant;

-- The keys of those whom records are about: each of them a key of its own, which takes part in whatever is encrypted of them, so that it
-- can be destroyed alone. Sealed under the tenant's data key: what destroys that destroys them.

create table business_store_service.subject_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  -- as records say it; null once the key is destroyed
  subject text,
  -- null once it is destroyed
  sealed bytea,
  created_at timestamptz not null default now(),
  destroyed_at timestamptz,
  -- what was encrypted with it is taken out of records and of their past
  erased_at timestamptz,
  constraint subject_keys_pkey primary key (tenant_id, key_id),
  constraint subject_keys_subject_key unique (tenant_id, subject),
  constraint subject_keys_tenant_fkey foreign key (tenant_id) references business_store_service.tenant_keys (tenant_id),
  -- as long as an index can hold
  constraint subject_keys_subject_check check (octet_length(subject) <= 2000),
  constraint subject_keys_destroyed_check check (
    (sealed is null) = (destroyed_at is not null)
    and (subject is null) = (destroyed_at is not null)
  )
);

create index subject_keys_unerased_idx
  on business_store_service.subject_keys (tenant_id)
  where destroyed_at is not null and erased_at is null;

alter table business_store_service.subject_keys enable row level security;
alter table business_store_service.subject_keys force row level security;

create policy control on business_store_service.subject_keys
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) = tenant_id);

grant
    select,
    insert (tenant_id, key_id, subject, sealed),
    update (subject, sealed, destroyed_at, erased_at)
  on business_store_service.subject_keys to bss_control;

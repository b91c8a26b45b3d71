-- Answers to requests that carried an Idempotency-Key, kept so that a repeat is answered and not done again. A row is written in
-- the transaction of the write it answers, by the subject that Postgres verified; nobody else of the tenant may read it.

create table business_store_service.idempotency_keys (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and writes would wait for it.
  tenant_id uuid not null,
  subject text not null,
  -- SHA-256, of the key and of what was asked with it
  key_hash bytea not null,
  request_hash bytea not null,
  expires_at timestamptz not null,
  -- the answer; without one only in the transaction that claims the key, which nobody else sees
  status smallint,
  headers json,
  body text,
  constraint idempotency_keys_pkey primary key (tenant_id, subject, key_hash),
  constraint idempotency_keys_hashes_check check (octet_length(key_hash) = 32 and octet_length(request_hash) = 32),
  constraint idempotency_keys_answer_check check (status between 200 and 599 and octet_length(body) <= 1000000)
);

create index idempotency_keys_expires_at_idx on business_store_service.idempotency_keys (expires_at);

alter table business_store_service.idempotency_keys enable row level security;
alter table business_store_service.idempotency_keys force row level security;

create policy own_answers on business_store_service.idempotency_keys
  to bss_tenant
  using (array[tenant_id::text, subject] = (select bss.identity()))
  with check (array[tenant_id::text, subject] = (select bss.identity()));

-- What has expired, of any tenant and by its time alone: the control plane never sees an answer.
create policy control_sweeps on business_store_service.idempotency_keys
  to bss_control
  using ((select bss.tenant()) = bss.platform() and expires_at < now());

-- A key stays the key of whoever used it; its answer is replaced once it has expired, never deleted.
grant
    select,
    insert (tenant_id, subject, key_hash, request_hash, expires_at),
    update (request_hash, expires_at, status, headers, body)
  on business_store_service.idempotency_keys to bss_tenant;
grant select (expires_at), delete on business_store_service.idempotency_keys to bss_control;

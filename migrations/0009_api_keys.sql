-- API keys: what an application calls the store with instead of a person's token. Of the key itself there is a keyed hash here, whose
-- pepper the database does not have. A tenant's own role reads nothing of it: keys are made and looked up by the control plane.

create table business_store_service.api_keys (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and making a key would wait for it.
  tenant_id uuid not null,
  key_id uuid not null,
  name text not null,
  -- HMAC-SHA-256
  secret_hash bytea not null,
  -- of the secret before, which holds until then
  former_secret_hash bytea,
  former_until timestamptz,
  roles text[] not null,
  -- operations, `operation:Entity` where one entity is meant; null: whatever the roles may
  scopes text[],
  created_at timestamptz not null default now(),
  created_by text not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_pkey primary key (tenant_id, key_id),
  constraint api_keys_name_check check (char_length(name) between 1 and 200),
  constraint api_keys_hashes_check check (octet_length(secret_hash) = 32 and octet_length(former_secret_hash) = 32),
  constraint api_keys_former_check check ((former_secret_hash is null) = (former_until is null)),
  constraint api_keys_roles_check check (cardinality(roles) > 0 and not 'system_admin' = any (roles)),
  constraint api_keys_scopes_check check (cardinality(scopes) > 0)
);

-- A key is looked up by its id, before anybody knows whose it is.
create index api_keys_key_id_idx on business_store_service.api_keys (key_id);

alter table business_store_service.api_keys enable row level security;
alter table business_store_service.api_keys force row level security;

create policy control on business_store_service.api_keys
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

-- What a key may do is said when it is made; another right is another key.
grant
    select,
    insert (tenant_id, key_id, name, secret_hash, roles, scopes, created_by, expires_at),
    update (secret_hash, former_secret_hash, former_until, last_used_at, revoked_at)
  on business_store_service.api_keys to bss_control;

-- Who may do what: the roles of tenants' own, and what the signed context says of its actor beside the name, for the policies of
-- entities with row rules.

create table business_store_service.tenant_roles (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and making a role would wait for it.
  tenant_id uuid not null,
  name text not null,
  description text not null default '',
  -- built-in roles whose rights it has
  inherits text[] not null default '{}',
  -- operations, `operation:Entity` where one entity is meant
  permissions text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tenant_roles_pkey primary key (tenant_id, name),
  constraint tenant_roles_name_check check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  constraint tenant_roles_inherits_check check (inherits <@ array['viewer', 'editor', 'auditor', 'service', 'admin'])
);

alter table business_store_service.tenant_roles enable row level security;
alter table business_store_service.tenant_roles force row level security;

create policy control on business_store_service.tenant_roles
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

grant select, insert, update, delete on business_store_service.tenant_roles to bss_control;

-- Two parts more than before: claims as JSON, and the access grant; each may be empty. A token of nine parts, as instances of the
-- version before mint it, says neither.
-- token = mac (64 hex) US kid US tenant US schema US role US actor US roles US request US expiry (epoch s) US backend pid
--   US claims US grant
create or replace function bss.verified(token text)
  returns text[]
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  signed constant text := substr(token, 66);
  part constant text[] := string_to_array(signed, E'\x1f');
  key bss.context_keys;
begin
  if token is null or octet_length(token) > 8192 or coalesce(cardinality(part), 0) not in (9, 11) then
    raise exception 'tenant context missing or malformed' using errcode = '42501';
  end if;
  select k.* into key from bss.context_keys as k where k.kid = part[1] and k.retired_at is null;
  if not found
    or left(token, 64) <> encode(sha256(key.outer_block || sha256(key.inner_block || convert_to(signed, 'UTF8'))), 'hex')
  then
    raise exception 'tenant context not authentic' using errcode = '42501';
  end if;
  if part[8] !~ '^[0-9]{1,12}$'
    or part[8]::bigint < extract(epoch from clock_timestamp())
    or part[9] <> pg_backend_pid()::text
  then
    raise exception 'tenant context expired or not of this backend' using errcode = '42501';
  end if;
  return part;
end
$$;

-- What row rules ask: {"sub": …, "roles": […], "claims": {…}, "grant": …} of whoever has entered. Verified as bss.tenant() is.
create function bss.caller()
  returns jsonb
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  part constant text[] := bss.verified(nullif(current_setting('app.ctx', true), ''));
begin
  if part[4] <> current_setting('role') then
    raise exception 'tenant context belongs to another role' using errcode = '42501';
  end if;
  return jsonb_build_object(
    'sub', part[5],
    'roles', to_jsonb(string_to_array(nullif(part[6], ''), ' ')),
    'claims', coalesce(nullif(part[10], '')::jsonb, '{}'),
    'grant', nullif(part[11], '')
  );
end
$$;

grant execute on function bss.caller() to bss_tenant, bss_control;

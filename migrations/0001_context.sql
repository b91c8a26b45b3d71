-- The signed context: how a transaction enters a tenant, and how policies ask who is inside.
-- Owned by bss_owner. Functions are closed to PUBLIC; each grant below is deliberate.

alter default privileges revoke execute on functions from public;

create schema bss;

grant usage on schema bss to public;

-- HMAC keys of context tokens (RFC 2104), kept as the two padded blocks so that verifying costs two hashes.
create table bss.context_keys (
  kid text primary key,
  inner_block bytea not null,
  outer_block bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  constraint context_keys_blocks check (octet_length(inner_block) = 64 and octet_length(outer_block) = 64)
);

-- The token's parts once its MAC, its expiry and its backend have been verified; 42501 otherwise, never a hint why.
-- token = mac (64 hex) US kid US tenant US schema US role US actor US roles US request US expiry (epoch s) US backend pid
-- US is U+001F, which no part may hold.
create function bss.verified(token text)
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
  if token is null or octet_length(token) > 8192 or cardinality(part) is distinct from 9 then
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

-- Enters the tenant for the rest of the transaction. No SET clause and SECURITY INVOKER: what is set must outlive the call.
-- Order matters: verify; read only, which cannot be undone later; the role; then what policies and name lookup need.
create function bss.enter(token text, read_only boolean)
  returns void
  language plpgsql
as $$
declare
  part constant text[] := bss.verified(token);
begin
  if read_only then
    set local transaction_read_only = on;
  end if;
  -- qualified, because it runs with the search path of the caller
  execute pg_catalog.format(
    'set local role %I; set local app.ctx = %L; set local app.current_tenant = %L; set local search_path = %I, pg_temp',
    part[4], token, part[2], part[3]
  );
end
$$;

-- The tenant that was entered. Raises 42501 outside of a context: missing context is an error, never an empty result.
create function bss.tenant()
  returns uuid
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
  return part[2]::uuid;
end
$$;

-- {tenant, actor}, verified once: what a row of the audit trail must carry.
create function bss.identity()
  returns text[]
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
  return array[part[2], part[5]];
end
$$;

-- The context of the control plane itself: transactions that belong to no tenant.
create function bss.platform()
  returns uuid
  language sql
  immutable
  parallel safe
return '00000000-0000-0000-0000-000000000000'::uuid;

grant execute on function bss.verified(text), bss.enter(text, boolean) to bss_app_00, bss_migrator;
grant execute on function bss.tenant(), bss.identity(), bss.platform() to bss_tenant, bss_control;

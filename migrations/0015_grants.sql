-- Access grants: how a system administrator comes into tenants, for a reason and for a time. The database asks for the grant too: no
-- context with the role system_admin is entered under a tenant's role without one that is in force.

create table business_store_service.access_grants (
  grant_id uuid not null,
  requested_by text not null,
  reason text not null,
  ticket text,
  -- names; null: whatever the tenants have
  entities text[],
  access text not null,
  needs_approval boolean not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  approved_by text,
  approved_at timestamptz,
  revoked_by text,
  revoked_at timestamptz,
  constraint access_grants_pkey primary key (grant_id),
  constraint access_grants_reason_check check (char_length(reason) between 10 and 1000),
  constraint access_grants_entities_check check (cardinality(entities) > 0),
  constraint access_grants_access_check check (access in ('read', 'write')),
  constraint access_grants_expires_at_check check (expires_at <= created_at + interval '4 hours'),
  constraint access_grants_approved_check check ((approved_by is null) = (approved_at is null)),
  -- four eyes
  constraint access_grants_approved_by_check check (approved_by <> requested_by),
  constraint access_grants_revoked_check check ((revoked_by is null) = (revoked_at is null))
);

-- The tenants that a grant names, and what it was used for there.
create table business_store_service.access_grant_tenants (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and making a grant would wait for it.
  tenant_id uuid not null,
  grant_id uuid not null,
  uses bigint not null default 0,
  first_used_at timestamptz,
  last_used_at timestamptz,
  constraint access_grant_tenants_pkey primary key (tenant_id, grant_id),
  constraint access_grant_tenants_grant_fkey foreign key (grant_id) references business_store_service.access_grants (grant_id)
);

create index access_grant_tenants_grant_id_idx on business_store_service.access_grant_tenants (grant_id);

alter table business_store_service.access_grants enable row level security;
alter table business_store_service.access_grants force row level security;
alter table business_store_service.access_grant_tenants enable row level security;
alter table business_store_service.access_grant_tenants force row level security;

-- In the context of a tenant: the grants that name it, to be shown to its administrators.
create policy control on business_store_service.access_grant_tenants
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) = bss.platform());

create policy control on business_store_service.access_grants
  to bss_control
  using (
    (select bss.tenant()) = bss.platform()
    or exists (
      select
      from business_store_service.access_grant_tenants as named
      where named.tenant_id = (select bss.tenant())
        and named.grant_id = access_grants.grant_id
    )
  )
  with check ((select bss.tenant()) = bss.platform());

create policy crossing_reads on business_store_service.access_grants
  for select
  to bss_owner
  using (true);

create policy crossing_reads on business_store_service.access_grant_tenants
  for select
  to bss_owner
  using (true);

-- What a grant is good for is said when it is made; more of it is another grant.
grant
    select,
    insert (grant_id, requested_by, reason, ticket, entities, access, needs_approval, expires_at),
    update (approved_by, approved_at, revoked_by, revoked_at)
  on business_store_service.access_grants to bss_control;
grant
    select,
    insert (tenant_id, grant_id),
    update (uses, first_used_at, last_used_at)
  on business_store_service.access_grant_tenants to bss_control;

-- read or write, of the subject's grant in force that names the tenant. Raises 42501 when there is none.
create function bss.crossing(wanted text, inside uuid, subject text)
  returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  permitted text;
begin
  if wanted ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select g.access
    into permitted
    from business_store_service.access_grant_tenants as t
    join business_store_service.access_grants as g on g.grant_id = t.grant_id
    where t.tenant_id = inside
      and t.grant_id = wanted::uuid
      and g.requested_by = subject
      and g.revoked_at is null
      and g.expires_at > clock_timestamp()
      and (g.approved_at is not null or not g.needs_approval);
  end if;
  if permitted is null then
    raise exception 'no access grant in force' using errcode = '42501', constraint = 'access_grant_in_force';
  end if;
  return permitted;
end
$$;

grant execute on function bss.crossing(text, uuid, text) to bss_app_00, bss_migrator;

-- As before, and for a system administrator by a grant only; one to read makes the transaction READ ONLY, whatever was asked for.
create or replace function bss.enter(token text, read_only boolean)
  returns void
  language plpgsql
as $$
declare
  part constant text[] := bss.verified(token);
  permitted text;
begin
  -- The control plane's own role reaches no record. Everybody else's roles are looked at no closer than they need be.
  if strpos(part[6], 'system_admin') > 0
    and 'system_admin' = any (string_to_array(part[6], ' '))
    and part[4] <> 'bss_control'
  then
    permitted := bss.crossing(part[11], part[2]::uuid, part[5]);
  end if;
  if read_only or permitted = 'read' then
    set local transaction_read_only = on;
  end if;
  -- qualified, because it runs with the search path of the caller
  execute pg_catalog.format(
    'set local role %I; set local app.ctx = %L; set local app.current_tenant = %L; set local search_path = %I, pg_temp',
    part[4], token, part[2], part[3]
  );
end
$$;

-- Cluster and database law, run by an administrator (`bss migrate` with DATABASE_ADMIN_URL) and by every embedded start.
-- Idempotent: each run restores the law, so it is also the repair for a database restored elsewhere.
-- Passwords are set by the caller; here nobody gets one.

do $roles$
declare
  wanted record;
begin
  for wanted in
    select *
    from (values
      -- owns the control plane; nobody logs in as it
      ('bss_owner', 'nologin noinherit nocreaterole'),
      -- what the control plane may do at run time
      ('bss_control', 'nologin noinherit nocreaterole'),
      -- what every tenant role may do on shared tables
      ('bss_tenant', 'nologin noinherit nocreaterole'),
      -- migrations, provisioning, definition changes
      ('bss_migrator', 'login noinherit createrole'),
      -- the pool role: may connect and enter, nothing else
      ('bss_app_00', 'login noinherit nocreaterole')
    ) as role (name, attributes)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
      begin
        execute format('create role %I', wanted.name);
      exception
        when duplicate_object or unique_violation then null; -- another replica was faster
      end;
    end if;
    execute format('alter role %I %s nocreatedb', wanted.name, wanted.attributes);
  end loop;
end
$roles$;

grant bss_owner, bss_control to bss_migrator;
grant bss_tenant to bss_migrator with admin option;

-- Session defaults of the logins: the row writer relies on the text formats, the timeouts are the last line of defence.
do $settings$
declare
  login text;
begin
  foreach login in array array['bss_app_00', 'bss_migrator']
  loop
    execute format('alter role %I set timezone = %L', login, 'UTC');
    execute format('alter role %I set datestyle = %L', login, 'ISO, MDY');
    execute format('alter role %I set intervalstyle = %L', login, 'iso_8601');
    execute format('alter role %I set bytea_output = %L', login, 'hex');
    execute format('alter role %I set extra_float_digits = 1', login);
    execute format('alter role %I set standard_conforming_strings = on', login);
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', login, '30s');
    execute format('alter role %I set jit = off', login);
    execute format('alter role %I set search_path = pg_catalog, pg_temp', login);
  end loop;
end
$settings$;

do $database$
begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to bss_app_00, bss_migrator', current_database());
  execute format('grant create on database %I to bss_owner, bss_migrator', current_database());
end
$database$;

revoke all on schema public from public;

-- where TypeORM notes which migrations have run
create schema if not exists bss_migrations;
grant usage, create on schema bss_migrations to bss_migrator;

-- Nobody needs set_config: entering uses SET LOCAL. With it, one plain SELECT could change the context.
revoke execute on function pg_catalog.set_config(text, text, boolean) from public;

-- In a DO block one statement could leave the role of its tenant, or a read-only transaction, and go on.
-- The control plane's functions are made by bss_owner; this file has blocks of its own.
revoke usage on language plpgsql from public;
grant usage on language plpgsql to bss_owner, current_user;

-- Large objects have no row-level security: no runtime role may touch them. Advisory locks are the whole database's: one
-- tenant's statement could stop the migrations of all.
do $shared_by_all$
declare
  closed record;
begin
  for closed in
    select oid::regprocedure as signature, proname like '%advisory%' as is_lock
    from pg_catalog.pg_proc
    where pronamespace = 'pg_catalog'::regnamespace
      and (proname like 'lo\_%' or proname in ('loread', 'lowrite') or proname ~ '^pg_(try_)?advisory_')
  loop
    execute format('revoke execute on function %s from public', closed.signature);
    if closed.is_lock then
      execute format('grant execute on function %s to bss_migrator, bss_control, bss_owner', closed.signature);
    end if;
  end loop;
end
$shared_by_all$;

-- Behind row-level security an index serves a comparison only if its function is known to tell nothing of the rows that the policy
-- hides. Those of numeric only compare and raise no error about a value, and containment of jsonb raises none but for documents that
-- are nested deeper than any that is stored; Postgres does not say so. Without it, filters, joins and pages by a decimal and every
-- use of a GIN index read the whole table (24 to 46 ms of 100,000 rows, against 0.2). Pattern operators do raise errors about values
-- and stay as they are. Only a superuser may; elsewhere it is slower, and no less safe.
do $leakproof$
declare
  comparison regprocedure;
begin
  foreach comparison in array array[
    'pg_catalog.numeric_eq(numeric, numeric)',
    'pg_catalog.numeric_ne(numeric, numeric)',
    'pg_catalog.numeric_lt(numeric, numeric)',
    'pg_catalog.numeric_le(numeric, numeric)',
    'pg_catalog.numeric_gt(numeric, numeric)',
    'pg_catalog.numeric_ge(numeric, numeric)',
    'pg_catalog.numeric_cmp(numeric, numeric)',
    'pg_catalog.jsonb_contains(jsonb, jsonb)'
  ]::regprocedure[]
  loop
    begin
      execute format('alter function %s leakproof', comparison);
    exception
      when insufficient_privilege then null;
    end;
  end loop;
end
$leakproof$;

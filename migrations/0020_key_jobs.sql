-- Work on the tenants' keys that is more than one transaction: where it stands, so that whoever comes next goes on there.

create table business_store_service.key_jobs (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and a job would wait for it.
  tenant_id uuid not null,
  job_id uuid not null,
  kind text not null,
  -- of a rotation: of which key, and the version that takes its place
  purpose text,
  version integer,
  -- of a move: where to; of both kinds that wrap: where from
  provider text,
  key_ref text,
  former_provider text,
  former_key_ref text,
  status text not null default 'running',
  stage text not null default 'prepare',
  -- behind which row of which table it goes on
  position json,
  -- stored values, or keys, of the stage at hand
  done bigint not null default 0,
  total bigint not null default 0,
  -- of one that runs: what it waits for; never a value
  error json,
  created_at timestamptz not null default now(),
  created_by text not null,
  request_id text not null,
  finished_at timestamptz,
  -- who works on it, and until when nobody else may
  holder uuid,
  held_until timestamptz,
  constraint key_jobs_pkey primary key (tenant_id, job_id),
  constraint key_jobs_kind_check check (
    case kind
      when 'rotate' then num_nulls(purpose, version) = 0 and provider is null
      when 'move' then num_nulls(provider, key_ref) = 0 and purpose is null
      else kind = 'rewrap' and num_nonnulls(purpose, provider) = 0
    end
  ),
  constraint key_jobs_purpose_check check (purpose in ('encrypt', 'index')),
  constraint key_jobs_status_check check (status in ('running', 'done', 'failed')),
  constraint key_jobs_stage_check check (stage in ('prepare', 'switch', 'fill', 'adopt', 'sweep', 'retire', 'wrap')),
  constraint key_jobs_finished_check check ((status = 'running') = (finished_at is null))
);

-- One at a time.
create unique index key_jobs_running_key on business_store_service.key_jobs (tenant_id) where status = 'running';
create index key_jobs_free_idx on business_store_service.key_jobs (created_at) where status = 'running';

alter table business_store_service.key_jobs enable row level security;
alter table business_store_service.key_jobs force row level security;

-- What nobody works on is looked for in all tenants at once, in the platform's own context.
create policy control on business_store_service.key_jobs
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) in (bss.platform(), tenant_id));

grant
    select,
    insert (tenant_id, job_id, kind, purpose, version, provider, key_ref, former_provider, former_key_ref, created_by, request_id),
    update (status, stage, position, done, total, error, finished_at, holder, held_until)
  on business_store_service.key_jobs to bss_control;

-- Kept answers are under the data key too. The control plane gets them as bytes that it cannot read without the tenant's keys, one tenant's
-- at a time, and never what a kept answer says in plain text.
create policy control_reseals on business_store_service.idempotency_keys
  for select
  to bss_control
  using ((select bss.tenant()) = tenant_id and sealed is not null);

create policy control_reseals_update on business_store_service.idempotency_keys
  for update
  to bss_control
  using ((select bss.tenant()) = tenant_id and sealed is not null)
  with check ((select bss.tenant()) = tenant_id and sealed is not null);

grant select (tenant_id, subject, key_hash, sealed), update (sealed) on business_store_service.idempotency_keys to bss_control;

-- It seals texts too.
grant execute on function bss.assert_keys(integer) to bss_control;

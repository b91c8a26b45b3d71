-- Webhooks: where a tenant's events are sent to. Secrets are sealed with a key that the database does not have. A tenant's own role
-- reads nothing of it: webhooks are made and served by the control plane, in the context of the tenant whose they are.

create table business_store_service.webhooks (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and making a webhook would wait for it.
  tenant_id uuid not null,
  webhook_id uuid not null,
  url text not null,
  description text not null default '',
  -- actions, `family.*` or `*`
  events text[] not null,
  -- null: of whatever entity
  entities text[],
  include text not null,
  enabled boolean not null,
  -- format 1 | nonce 12 | AES-256-GCM | tag 16
  secret bytea not null,
  -- the one before, which signs too until then
  former_secret bytea,
  former_until timestamptz,
  created_at timestamptz not null default now(),
  created_by text not null,
  updated_at timestamptz not null default now(),
  -- by the service, not by somebody
  disabled_at timestamptz,
  disabled_reason text,
  -- every event up to it was delivered, or failed and is among the deliveries
  sent_seq bigint not null,
  -- of the deliveries that wait, the first
  retry_at timestamptz,
  -- attempts in a row
  failures integer not null default 0,
  failing_since timestamptz,
  -- nothing is sent before
  resume_at timestamptz,
  dead_letters integer not null default 0,
  -- events sent once more, from one to another, and how far
  replay_from bigint,
  replay_to bigint,
  replay_seq bigint,
  replay_started_at timestamptz,
  -- the turn that works on it, and until when nobody else may
  holder uuid,
  held_until timestamptz,
  turn_at timestamptz not null default now(),
  constraint webhooks_pkey primary key (tenant_id, webhook_id),
  constraint webhooks_url_check check (char_length(url) between 1 and 2048),
  constraint webhooks_description_check check (char_length(description) <= 500),
  constraint webhooks_events_check check (cardinality(events) between 1 and 50),
  constraint webhooks_entities_check check (cardinality(entities) between 1 and 200),
  constraint webhooks_include_check check (include in ('ids', 'full')),
  constraint webhooks_former_check check ((former_secret is null) = (former_until is null)),
  constraint webhooks_disabled_check check (
    (disabled_at is null) = (disabled_reason is null)
    and (disabled_at is null or not enabled)
  ),
  constraint webhooks_replay_check check (
    num_nulls(replay_from, replay_to, replay_seq, replay_started_at) in (0, 4)
    and replay_from <= replay_to
  ),
  constraint webhooks_holder_check check ((holder is null) = (held_until is null))
);

-- One event to one webhook: how it went, and when it is tried again.
create table business_store_service.webhook_deliveries (
  tenant_id uuid not null,
  webhook_id uuid not null,
  event_id uuid not null,
  seq bigint not null,
  action text not null,
  status text not null,
  -- attempts since it was last asked for
  tries integer not null,
  -- the latest twenty: {"at", "status", "error", "ms"}; never what a receiver said
  attempts jsonb not null,
  next_at timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  -- when it is forgotten
  expires_at timestamptz,
  constraint webhook_deliveries_pkey primary key (tenant_id, webhook_id, event_id),
  constraint webhook_deliveries_webhook_fkey foreign key (tenant_id, webhook_id)
    references business_store_service.webhooks (tenant_id, webhook_id) on delete cascade,
  constraint webhook_deliveries_status_check check (status in ('waiting', 'delivered', 'dead')),
  constraint webhook_deliveries_waiting_check check (
    (status = 'waiting') = (next_at is not null)
    and (status = 'waiting') = (finished_at is null)
    and (status = 'waiting') = (expires_at is null)
  )
);

create index webhook_deliveries_next_at_idx
  on business_store_service.webhook_deliveries (tenant_id, webhook_id, next_at)
  where status = 'waiting';

create index webhook_deliveries_status_idx on business_store_service.webhook_deliveries (tenant_id, webhook_id, status, event_id);

create index webhook_deliveries_expires_at_idx on business_store_service.webhook_deliveries (expires_at);

alter table business_store_service.webhooks enable row level security;
alter table business_store_service.webhooks force row level security;
alter table business_store_service.webhook_deliveries enable row level security;
alter table business_store_service.webhook_deliveries force row level security;

create policy control on business_store_service.webhooks
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) = tenant_id);

create policy control on business_store_service.webhook_deliveries
  to bss_control
  using ((select bss.tenant()) in (bss.platform(), tenant_id))
  with check ((select bss.tenant()) = tenant_id);

-- Whose a webhook is stays as it was made. What it may be sent is said by its filters, which its tenant may change.
grant
    select,
    insert (tenant_id, webhook_id, url, description, events, entities, include, enabled, secret, created_by, sent_seq),
    update (
      url, description, events, entities, include, enabled, secret, former_secret, former_until, updated_at, disabled_at,
      disabled_reason, sent_seq, retry_at, failures, failing_since, resume_at, dead_letters, replay_from, replay_to, replay_seq,
      replay_started_at, holder, held_until, turn_at
    ),
    delete
  on business_store_service.webhooks to bss_control;

grant
    select,
    insert (tenant_id, webhook_id, event_id, seq, action, status, tries, attempts, next_at, finished_at, expires_at),
    update (status, tries, attempts, next_at, finished_at, expires_at),
    delete
  on business_store_service.webhook_deliveries to bss_control;

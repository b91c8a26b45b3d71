-- How many requests each tenant has sent on each day (UTC), counted by all instances together: what a quota of a day is measured by.
-- An instance adds what it has counted every few seconds, never on the way of a request.

create table business_store_service.request_days (
  -- No foreign key to the tenant: a definition locks that row for its whole time, and counting would wait for it.
  tenant_id uuid not null,
  day date not null,
  requests bigint not null,
  constraint request_days_pkey primary key (tenant_id, day),
  constraint request_days_requests_check check (requests > 0)
);

create index request_days_day_idx on business_store_service.request_days (day);

alter table business_store_service.request_days enable row level security;
alter table business_store_service.request_days force row level security;

-- Of all tenants at once, and for the platform alone: a tenant is told what is left of its own in its answers.
create policy control on business_store_service.request_days
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

grant select, insert, update, delete on business_store_service.request_days to bss_control;

-- Answers that are kept in plain text may hold values of a property that is encrypted since, and nobody can tell which do. What was answered
-- is forgotten, and its key stays known: a repeat does nothing twice.

create policy forgetter on business_store_service.idempotency_keys
  for select
  to bss_owner
  using (tenant_id = (select bss.tenant()));

create policy forgetter_update on business_store_service.idempotency_keys
  for update
  to bss_owner
  using (tenant_id = (select bss.tenant()))
  with check (tenant_id = (select bss.tenant()));

-- All of the tenant's at once. The control plane may say so, and read none.
create function business_store_service.forget_plain_answers()
  returns bigint
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  forgotten bigint;
begin
  update business_store_service.idempotency_keys
  set status = 410,
      headers = null,
      body = null
  where tenant_id = bss.tenant()
    and headers is not null;
  get diagnostics forgotten = row_count;
  return forgotten;
end
$$;

grant execute on function business_store_service.forget_plain_answers() to bss_control;

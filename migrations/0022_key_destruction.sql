-- What remains of a tenant's keys when they are destroyed: the receipt, as the trail has it too. Until there is one, the provider may still
-- have its key, and whoever finds that goes on with it.

alter table business_store_service.tenant_keys
  add column receipt text,
  add constraint tenant_keys_receipt_check check (receipt is null or destroyed_at is not null);

create index tenant_keys_unfinished_idx on business_store_service.tenant_keys (tenant_id)
where destroyed_at is not null
  and receipt is null;

grant update (receipt) on business_store_service.tenant_keys to bss_control;

-- Destroyed for good: whoever was about to store another key when it happened stores none.
create policy of_living_tenants on business_store_service.data_keys
  as restrictive
  for insert
  to bss_control
  with check (
    exists (
      select
      from business_store_service.tenant_keys as t
      where t.tenant_id = data_keys.tenant_id
        and t.destroyed_at is null
    )
  );

-- Answers to requests about encrypted values are kept under the tenant's own key, with their headers. What was asked is known again by a
-- keyed hash: of a plain one, whoever has the database could try out values.

alter table business_store_service.idempotency_keys
  add column sealed bytea,
  -- a kept body of the largest size, its headers, and each character of both escaped
  add constraint idempotency_keys_sealed_check check (
    sealed is null or (headers is null and body is null and octet_length(sealed) <= 2200000)
  );

grant update (sealed) on business_store_service.idempotency_keys to bss_tenant;

-- What opens the commitments to personal values is written with their event and read as the event is. Erased, the commitments stay,
-- and with them the chain.

grant select (openings), insert (openings) on audit.events to bss_tenant;

-- What there is to erase of a record is found without reading the trail; events without personal values have no entry in it.
create index events_openings_idx on audit.events (tenant_id, record_id) where openings is not null;

create policy eraser on audit.events
  for update
  to bss_owner
  using (true)
  with check (true);

-- Of what the tenant's trail tells of a record: as often as there is anything to erase. Nobody else can change an event in any way.
create function audit.erase(of_record uuid, is_rehearsal boolean)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  inside constant uuid := bss.tenant();
  erased bigint;
begin
  if is_rehearsal then
    select count(*) into erased
    from audit.events as e
    where e.tenant_id = inside
      and e.record_id = of_record
      and e.openings is not null;
    return erased;
  end if;
  update audit.events as e
  set openings = null
  where e.tenant_id = inside
    and e.record_id = of_record
    and e.openings is not null;
  get diagnostics erased = row_count;
  return erased;
end
$$;

grant execute on function audit.erase(uuid, boolean) to bss_control;

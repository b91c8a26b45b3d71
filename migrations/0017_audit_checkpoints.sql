-- Checkpoints of all trails, and what may leave once they vouch for it.

-- Merkle roots over all heads, signed and sent to where this database's superuser cannot write.
create table audit.checkpoints (
  number bigint not null,
  taken_at timestamptz not null default now(),
  -- sealed events of all tenants by then
  events bigint not null,
  -- RFC 7515, compact
  jws text not null,
  sent_at timestamptz,
  constraint checkpoints_pkey primary key (number)
);

create index checkpoints_unsent_idx on audit.checkpoints (number) where sent_at is null;

-- The leaves of the latest checkpoint's tree.
create table audit.checkpointed_heads (
  tenant_id uuid not null,
  seq bigint not null,
  hash bytea not null,
  constraint checkpointed_heads_pkey primary key (tenant_id)
);

-- That a head which had moved is in the tree of a checkpoint (RFC 9162, 2.1.3).
create table audit.proofs (
  tenant_id uuid not null,
  number bigint not null,
  taken_at timestamptz not null,
  seq bigint not null,
  hash bytea not null,
  leaf_index bigint not null,
  -- hashes of 32 bytes, one after the other, from the leaf up
  path bytea not null
) partition by range (taken_at);

alter table audit.checkpoints enable row level security;
alter table audit.checkpoints force row level security;
alter table audit.checkpointed_heads enable row level security;
alter table audit.checkpointed_heads force row level security;
alter table audit.proofs enable row level security;
alter table audit.proofs force row level security;

create policy sealer on audit.proofs
  to bss_owner
  using (true)
  with check (true);

create policy tenant_reads on audit.proofs
  for select
  to bss_tenant
  using (tenant_id = (select bss.tenant()));

create policy control on audit.checkpoints
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

create policy control on audit.checkpointed_heads
  to bss_control
  using ((select bss.tenant()) = bss.platform())
  with check ((select bss.tenant()) = bss.platform());

create policy sealer_reads on audit.checkpoints
  for select
  to bss_owner
  using (true);

create policy sealer_reads on audit.checkpointed_heads
  for select
  to bss_owner
  using (true);

create policy control_writes on audit.proofs
  for insert
  to bss_control
  with check ((select bss.tenant()) = bss.platform());

grant select on audit.proofs to bss_tenant;
grant select, insert on audit.checkpoints to bss_control;
grant update (sent_at) on audit.checkpoints to bss_control;
grant select, insert, update (seq, hash) on audit.checkpointed_heads to bss_control;
grant insert on audit.proofs to bss_control;

select audit.make_partitions(3);

-- Drops the oldest partition whose month ended by then, and says which; null: there is none, or what it holds has not all been
-- published and checkpointed. What a tenant's chain goes on from is noted with its head. A partition of the trail waits until
-- no number refers to it: what was written before the end of a month may have been sealed after it.
create function audit.drop_outlived(before timestamptz)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '200ms'
as $$
declare
  part record;
begin
  -- nobody seals meanwhile
  perform from audit.sealing for update;
  for part in
    select c.relname as name, p.relname as parent,
      (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month') at time zone 'UTC' as ends
    from pg_inherits as i
    join pg_class as c on c.oid = i.inhrelid
    join pg_class as p on p.oid = i.inhparent
    where p.oid in ('audit.chain'::regclass, 'audit.events'::regclass, 'audit.proofs'::regclass)
      and c.relname ~ '_[0-9]{6}$'
    order by ends, parent
  loop
    exit when part.ends > before;
    if part.parent = 'chain' then
      exit when exists (
        select
        from (
          select c.tenant_id, max(c.seq) as seq
          from audit.chain as c
          where c.sealed_at < part.ends
          group by c.tenant_id
        ) as leaving
        left join audit.published() as p on p.tenant_id = leaving.tenant_id
        left join audit.checkpointed_heads as k on k.tenant_id = leaving.tenant_id
        where leaving.seq > p.seq
          or leaving.seq > coalesce(k.seq, 0) and exists (select from audit.checkpoints)
      );
      exit when exists (select from audit.checkpoints as k where k.sent_at is null and k.taken_at < part.ends);
      update audit.heads as h
      set anchor_before = part.ends;
      update audit.heads as h
      set anchor_seq = leaving.seq,
          anchor_hash = leaving.hash
      from (
        select distinct on (c.tenant_id) c.tenant_id, c.seq, c.hash
        from audit.chain as c
        where c.sealed_at < part.ends
        order by c.tenant_id, c.seq desc
      ) as leaving
      where h.tenant_id = leaving.tenant_id;
    elsif part.parent = 'events' then
      -- What has ended may be in the default partition still.
      continue when exists (
        select
        from audit.chain as c
        join audit.heads as h on h.tenant_id = c.tenant_id
        where c.occurred_at < part.ends
          and c.seq > h.anchor_seq
      );
      continue when exists (select from audit.pending as p where p.occurred_at < part.ends);
    end if;
    execute format('drop table audit.%I', part.name);
    return part.name;
  end loop;
  return null;
end
$$;

grant execute on function audit.drop_outlived(timestamptz) to bss_control;

import type { Statement } from '../model/sql.js';

/** What a checkpoint is made of, and where it is kept: read and written in one transaction, one instance at a time. */

/** One instance takes checkpoints at a time. */
const TURN_LOCK = 0x6273_7363;

export const TAKE_TURN: Statement = { text: 'select pg_try_advisory_xact_lock($1) as mine', values: [String(TURN_LOCK)] };

export interface SealedState {
  /** Of all tenants together. */
  readonly events: string;
  /** The latest checkpoint, if there is any. */
  readonly number: string | null;
  readonly jws: string | null;
  readonly checkpointed: string | null;
  readonly seconds_ago: number | null;
  readonly unsent: string;
  readonly now: Date;
}

export const SEALED_STATE: Statement = {
  text: `select s.events, c.number, c.jws, c.events as checkpointed,
  extract(epoch from now() - c.taken_at)::float8 as seconds_ago,
  (select count(*) from audit.checkpoints where sent_at is null) as unsent, now() as now
from audit.sealing as s
left join lateral (
  select number, jws, events, taken_at
  from audit.checkpoints
  order by number desc
  limit 1
) as c on true`,
  values: [],
};

export interface HeadRow {
  readonly tenant_id: string;
  readonly seq: string;
  readonly hash: Buffer;
}

export const HEADS: Statement = { text: 'select tenant_id, seq, hash\nfrom audit.heads\norder by tenant_id', values: [] };

export const CHECKPOINTED_HEADS: Statement = {
  text: 'select tenant_id, seq, hash\nfrom audit.checkpointed_heads\norder by tenant_id',
  values: [],
};

/**
 * Tenants whose chain does not go on from what was checkpointed of it, does not end with its head, or begins later than
 * retention can have come to. Only heads that have moved are looked up in the chain; what retention has dropped is not looked at.
 * @param retentionDays 0: for ever
 */
export function contradictions(retentionDays: number): Statement {
  return { text: CONTRADICTIONS, values: [String(retentionDays)] };
}

const CONTRADICTIONS = `select tenant_id, coalesce(c.seq, 0) as seq
from audit.checkpointed_heads as c
full join audit.heads as h using (tenant_id)
left join lateral (
  select k.hash
  from audit.chain as k
  where k.tenant_id = c.tenant_id
    and k.seq = c.seq
  limit 1
) as before on h.seq > c.seq
left join lateral (
  select k.hash
  from audit.chain as k
  where k.tenant_id = h.tenant_id
    and k.seq = h.seq
  limit 1
) as top on h.seq is distinct from c.seq
left join lateral (
  select k.seq
  from audit.chain as k
  where k.tenant_id = h.tenant_id
    and k.seq = h.seq + 1
  limit 1
) as beyond on h.seq is distinct from c.seq
where h.seq is null
  or h.seq < c.seq
  or h.seq = c.seq and h.hash <> c.hash
  or h.seq > c.seq and c.seq > h.anchor_seq and before.hash is distinct from c.hash
  or h.seq is distinct from c.seq and h.seq > h.anchor_seq and top.hash is distinct from h.hash
  or beyond.seq is not null
  or h.anchor_seq > 0 and not coalesce($1::integer > 0 and h.anchor_before <= now() - make_interval(days => $1), false)
order by tenant_id
limit 1`;

export function insertCheckpoint(checkpoint: { number: number; events: string; jws: string; isSent: boolean }): Statement {
  return {
    text: `insert into audit.checkpoints (number, events, jws, sent_at)
values ($1, $2, $3, case when $4::boolean then now() end)`,
    values: [String(checkpoint.number), checkpoint.events, checkpoint.jws, String(checkpoint.isSent)],
  };
}

export interface ProvenHead {
  readonly tenantId: string;
  readonly seq: number;
  readonly hash: Buffer;
  readonly leafIndex: number;
  readonly path: readonly Buffer[];
}

/** Heads that have moved become leaves of the tree, each with its proof. */
export function insertProofs(number: number, heads: readonly ProvenHead[]): Statement {
  const hexOf = (bytes: Buffer): string => bytes.toString('hex');
  return {
    text: `with moved as (
  select *
  from unnest($2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::text[]) as m (tenant_id, seq, hash, leaf_index, path)
),
kept as (
  insert into audit.checkpointed_heads as c (tenant_id, seq, hash)
  select m.tenant_id, m.seq, decode(m.hash, 'hex')
  from moved as m
  on conflict (tenant_id) do update
    set seq = excluded.seq,
        hash = excluded.hash
)
insert into audit.proofs (tenant_id, number, taken_at, seq, hash, leaf_index, path)
select m.tenant_id, $1::bigint, now(), m.seq, decode(m.hash, 'hex'), m.leaf_index, decode(m.path, 'hex')
from moved as m`,
    // Arrays as Postgres writes them: ids, numbers and hex need no quotes.
    values: [
      String(number),
      arrayOf(heads.map(({ tenantId }) => tenantId)),
      arrayOf(heads.map(({ seq }) => String(seq))),
      arrayOf(heads.map(({ hash }) => hexOf(hash))),
      arrayOf(heads.map(({ leafIndex }) => String(leafIndex))),
      // an only leaf has an empty path
      arrayOf(heads.map(({ path }) => `"${hexOf(Buffer.concat(path))}"`)),
    ],
  };
}

function arrayOf(texts: readonly string[]): string {
  return `{${texts.join(',')}}`;
}

export const UNSENT: Statement = {
  text: 'select number, jws\nfrom audit.checkpoints\nwhere sent_at is null\norder by number\nlimit 100',
  values: [],
};

export function markSent(numbers: readonly number[]): Statement {
  return {
    text: 'update audit.checkpoints\nset sent_at = now()\nwhere number = any ($1::bigint[])',
    values: [arrayOf(numbers.map(String))],
  };
}

/** The JWS of checkpoints by their numbers. */
export function checkpointsOf(numbers: readonly number[]): Statement {
  return {
    text: 'select number, jws\nfrom audit.checkpoints\nwhere number = any ($1::bigint[])',
    values: [arrayOf(numbers.map(String))],
  };
}

/** The latest checkpoint first, then the leaves of its tree, as they are at one moment. */
export interface LatestRow {
  readonly number: string | null;
  readonly jws: string | null;
  readonly tenant_id: string | null;
  readonly seq: string | null;
  readonly hash: Buffer | null;
}

export const LATEST: Statement = {
  text: `(
  select number, jws, null::uuid as tenant_id, null::bigint as seq, null::bytea as hash
  from audit.checkpoints
  order by number desc
  limit 1
)
union all
select null, null, tenant_id, seq, hash
from audit.checkpointed_heads
order by tenant_id nulls first`,
  values: [],
};

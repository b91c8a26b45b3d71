import { chainHash, GENESIS } from '../../src/model/audit/chain-hash.js';

/** What whoever has the database may do to a trail of twelve events that is sealed and checkpointed, and what is found of it. */

/** As superuser. */
// biome-ignore lint/suspicious/noExplicitAny: rows as they come
type Admin = (sql: string, values?: readonly unknown[]) => Promise<any[]>;

interface Victim {
  readonly id: string;
}

interface Tampering {
  /** @param other another tenant with a trail like it */
  readonly tamper: (admin: Admin, tenant: Victim, other: Victim) => Promise<unknown>;
  /** The first bad number, and what is wrong with it. */
  readonly found: readonly unknown[];
}

const EVENT = '(select event_id from audit.chain where tenant_id = $1 and seq = 4)';

/** Recomputes the hashes of all events, as whoever has the database can, and the heads with them. */
async function recompute(admin: Admin, tenant: Victim): Promise<void> {
  const rows = await admin(
    `select c.seq, c.event_id as "eventId", to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "occurredAt",
       e.actor, e.request_id as "requestId", e.action, e.entity, e.record_id as "recordId", e.body
     from audit.chain as c
     join audit.events as e using (tenant_id, event_id)
     where c.tenant_id = $1
     order by c.seq`,
    [tenant.id],
  );
  let before: Buffer = GENESIS;
  for (const row of rows) {
    before = chainHash(before, Number(row.seq), tenant.id, row);
    await admin('update audit.chain set hash = $3 where tenant_id = $1 and seq = $2', [tenant.id, row.seq, before]);
  }
  await admin('update audit.heads set hash = $2 where tenant_id = $1', [tenant.id, before]);
}

export const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  'the body of an event is edited': {
    tamper: (admin, { id }) =>
      admin(`update audit.events set body = '{"after":{"title":"forged"}}' where tenant_id = $1 and event_id = ${EVENT}`, [id]),
    found: [4, 'edited'],
  },
  'somebody else is said to have done it': {
    tamper: (admin, { id }) =>
      admin(`update audit.events set actor = 'somebody' where tenant_id = $1 and event_id = ${EVENT}`, [id]),
    found: [4, 'edited'],
  },
  'it is said to have happened in another month': {
    tamper: (admin, { id }) =>
      admin(
        `update audit.events set occurred_at = occurred_at + interval '40 days' where tenant_id = $1 and event_id = ${EVENT}`,
        [id],
      ),
    found: [4, 'edited'],
  },
  'a hash is another': {
    tamper: (admin, { id }) => admin(`update audit.chain set hash = sha256('x') where tenant_id = $1 and seq = 4`, [id]),
    found: [4, 'edited'],
  },
  'an event is deleted': {
    tamper: (admin, { id }) => admin(`delete from audit.events where tenant_id = $1 and event_id = ${EVENT}`, [id]),
    found: [4, 'deleted'],
  },
  'an event is deleted with its number': {
    tamper: async (admin, { id }) => {
      await admin(`delete from audit.events where tenant_id = $1 and event_id = ${EVENT}`, [id]);
      await admin('delete from audit.chain where tenant_id = $1 and seq = 4', [id]);
    },
    found: [4, 'deleted'],
  },
  'two events change places': {
    tamper: async (admin, { id }) => {
      await admin('update audit.chain set seq = 1000 where tenant_id = $1 and seq = 4', [id]);
      await admin('update audit.chain set seq = 4 where tenant_id = $1 and seq = 6', [id]);
      await admin('update audit.chain set seq = 6 where tenant_id = $1 and seq = 1000', [id]);
    },
    found: [4, 'reordered'],
  },
  'two events change places, and leave their hashes behind': {
    tamper: async (admin, { id }) => {
      const [a, b] = await admin('select event_id, seq from audit.chain where tenant_id = $1 and seq in (4, 5) order by seq', [
        id,
      ]);
      const move = 'update audit.chain set event_id = $3 where tenant_id = $1 and seq = $2';
      await admin(move, [id, a.seq, id]);
      await admin(move, [id, b.seq, a.event_id]);
      await admin(move, [id, a.seq, b.event_id]);
    },
    found: [4, 'reordered'],
  },
  'an event is exchanged for that of another tenant': {
    tamper: async (admin, { id }, other) => {
      const both = `select c.event_id from audit.chain as c where c.tenant_id = $1 and c.seq = 4`;
      const [[mine], [theirs]] = await Promise.all([admin(both, [id]), admin(both, [other.id])]);
      for (const table of ['events', 'chain']) {
        const give = `update audit.${table} set tenant_id = $1 where event_id = $2`;
        await admin(give, [other.id.replace(/^.{8}/, '00000000'), mine.event_id]);
        await admin(give, [id, theirs.event_id]);
        await admin(give, [other.id, mine.event_id]);
      }
    },
    found: [4, 'edited'],
  },
  'the end is cut off': {
    tamper: async (admin, { id }) => {
      await admin(
        'delete from audit.events where tenant_id = $1 and event_id in (select event_id from audit.chain where tenant_id = $1 and seq > 8)',
        [id],
      );
      await admin('delete from audit.chain where tenant_id = $1 and seq > 8', [id]);
    },
    found: [9, 'truncated'],
  },
  'the end is cut off, and the head set back': {
    tamper: async (admin, { id }) => {
      await admin('delete from audit.chain where tenant_id = $1 and seq > 8', [id]);
      await admin(
        'update audit.heads as h set seq = c.seq, hash = c.hash from audit.chain as c where h.tenant_id = $1 and c.tenant_id = $1 and c.seq = 8',
        [id],
      );
    },
    found: [9, 'truncated'],
  },
  'everything is deleted, and said to have ended by retention': {
    tamper: async (admin, { id }) => {
      await admin(
        "update audit.heads set anchor_seq = seq, anchor_hash = hash, anchor_before = '2020-01-01Z' where tenant_id = $1",
        [id],
      );
      for (const table of ['events', 'chain', 'proofs']) await admin(`delete from audit.${table} where tenant_id = $1`, [id]);
    },
    found: [1, expect.stringMatching(/^(deleted|truncated)$/)],
  },
  'an event is edited and everything behind it computed anew': {
    tamper: async (admin, tenant) => {
      await admin(`update audit.events set body = '{}' where tenant_id = $1 and event_id = ${EVENT}`, [tenant.id]);
      await recompute(admin, tenant);
    },
    // The first checkpoint behind it: what is between may be as it was.
    found: [expect.any(Number), 'rewritten'],
  },
};

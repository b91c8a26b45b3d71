import type pg from 'pg';
import { mintContextToken } from '../../src/database/context-token.js';
import { type ControlPlane, PLATFORM_ID } from '../../src/database/control-plane.js';
import { qualified } from '../../src/model/ddl/table-ref.js';
import type { TenantHome } from '../../src/model/entity.js';
import { createPartition, createPastTable, partitionName, pastTable } from '../../src/model/past/past-tables.js';
import { quoteLiteral } from '../../src/model/sql.js';
import { type TestDatabase, withClient } from './database.js';
import { KEY_ATTEMPTS, seedKeys } from './key-attempts.js';
import { ACTOR, noteInsert } from './tenants.js';

/**
 * Tries to reach the victim's rows from everywhere but the victim's own context, and returns the names of the attempts
 * that got somewhere. Nothing is changed: every attempt is rolled back. Both tenants must hold at least one note, and the victim
 * a row in each shared table (`seedSharedTables`).
 */

export interface ProbeSubject {
  readonly database: TestDatabase;
  readonly attacker: TenantHome;
  readonly victim: TenantHome;
}

interface Outcome {
  readonly refused: boolean;
  /** Rows returned or changed. */
  readonly rows: number;
}

interface Attempt {
  readonly name: string;
  readonly login?: 'control' | 'superuser';
  /** A refusal must come; otherwise an empty answer is as good. */
  readonly mustBeRefused?: true;
  run(client: pg.Client, subject: ProbeSubject): Promise<Outcome>;
}

/** insufficient_privilege, check_violation */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['42501', '23514']);

export async function probe(subject: ProbeSubject): Promise<string[]> {
  const { runtimeUrl, controlUrl, adminUrl } = subject.database;
  const urls = { pool: runtimeUrl, control: controlUrl, superuser: adminUrl };
  const succeeded: string[] = [];
  for (const login of ['pool', 'control', 'superuser'] as const) {
    await withClient(urls[login], async (client) => {
      for (const attempt of ATTEMPTS.filter((one) => (one.login ?? 'pool') === login)) {
        await client.query('begin');
        const { refused, rows } = await attempt.run(client, subject);
        await client.query('rollback');
        if (rows > 0 || (attempt.mustBeRefused && !refused)) succeeded.push(attempt.name);
      }
    });
  }
  return succeeded;
}

const ATTEMPTS: readonly Attempt[] = [
  {
    name: 'the pool role reads',
    mustBeRefused: true,
    run: (client, { victim }) => outcomeOf(client, `select from ${note(victim)}`),
  },
  {
    name: 'the pool role truncates',
    mustBeRefused: true,
    run: (client, { victim }) => outcomeOf(client, `truncate ${note(victim)}`),
  },
  {
    name: 'the role alone reads',
    mustBeRefused: true,
    run: async (client, { victim }) => {
      await client.query(`set local role "${victim.role}"`);
      return outcomeOf(client, `select from ${note(victim)}`);
    },
  },
  {
    name: 'a forged token enters',
    mustBeRefused: true,
    run: async (client, { victim }) => {
      const token = await tokenOf(client, victim, Buffer.from('not the key'), victim);
      return outcomeOf(client, 'select bss.enter($1, false)', [token]);
    },
  },
  {
    name: 'the attacker reads the table of the victim',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, `select from ${note(subject.victim)}`);
    },
  },
  {
    name: 'the attacker writes a row of the victim',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      const { text, values } = noteInsert(subject.victim.tenantId, 'smuggled');
      return outcomeOf(client, text, values);
    },
  },
  ...['select from note', "update note set title = 'taken'", 'delete from note'].map(
    (sql): Attempt => ({
      name: `the role of the victim with the token of the attacker: ${sql.split(' ')[0]}`,
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, subject.victim);
        return outcomeOf(client, sql);
      },
    }),
  ),
  {
    name: 'the role of the attacker with the token of the victim: select',
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.attacker);
      return outcomeOf(client, 'select from note');
    },
  },
  {
    name: 'the attacker reads the past of the victim',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, `select from ${past(subject.victim)}`);
    },
  },
  ...['select from', 'delete from'].map(
    (verb): Attempt => ({
      name: `the role of the victim with the token of the attacker: ${verb.split(' ')[0]} of the past`,
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, subject.victim);
        return outcomeOf(client, `${verb} ${past(subject.victim)}`);
      },
    }),
  ),
  {
    name: 'the victim changes its past',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.victim);
      return outcomeOf(client, `update ${past(subject.victim)} set body = '{}'`);
    },
  },
  {
    name: 'the victim goes to a partition of its past',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.victim);
      return outcomeOf(client, `delete from ${pastPartition(subject.victim)}`);
    },
  },
  {
    name: 'one SELECT becomes another role',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, selectAs(subject.victim, 'select to_tsvector(current_user::text)'));
    },
  },
  {
    name: 'one SELECT reads the rows of the victim',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, selectAs(subject.victim, `select to_tsvector(title) from ${note(subject.victim)}`));
    },
  },
  {
    name: 'one SELECT lifts its time limit',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, "select set_config('statement_timeout', '0', true)");
    },
  },
  ...[
    ...['audit.events', 'audit.heads', 'audit.chain', 'audit.proofs'],
    ...[
      'tenant_schemas',
      'entity_versions',
      'schema_changes',
      'retained_properties',
      'tenant_packs',
      'imports',
      'past_tables',
    ].map((table) => `business_store_service.${table}`),
  ].map(
    (table): Attempt => ({
      name: `the attacker reads the victim in ${table}`,
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, subject.attacker);
        return outcomeOf(client, `select from ${table} where tenant_id = $1`, [subject.victim.tenantId]);
      },
    }),
  ),
  ...['heads', 'chain', 'checkpoints', 'checkpointed_heads'].map(
    (table): Attempt => ({
      name: `the control plane reads audit.${table} in the context of a tenant`,
      login: 'control',
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
        return outcomeOf(client, `select from audit.${table}`);
      },
    }),
  ),
  {
    name: 'the attacker reads a partition of the trail',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      const { rows } = await client.query("select to_char(now() at time zone 'UTC', 'YYYYMM') as month");
      return outcomeOf(client, `select from audit.events_${rows[0].month}`);
    },
  },
  {
    name: 'the attacker reads the answers to the victim',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, 'select from business_store_service.idempotency_keys where tenant_id = $1', [
        subject.victim.tenantId,
      ]);
    },
  },
  {
    name: 'the attacker reads the answers to somebody else',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, `select from ${OTHERS_ANSWERS}`, [subject.attacker.tenantId]);
    },
  },
  {
    name: 'the attacker changes the answers to somebody else',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      return outcomeOf(client, `update ${OTHERS_ANSWERS.replace('where', "set body = 'forged' where")}`, [
        subject.attacker.tenantId,
      ]);
    },
  },
  ...(['the victim', 'somebody else'] as const).map(
    (whom): Attempt => ({
      name: `the attacker answers in advance to ${whom}`,
      mustBeRefused: true,
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, subject.attacker);
        const [home, of] = whom === 'the victim' ? [subject.victim, ACTOR.subject] : [subject.attacker, 'somebody'];
        return outcomeOf(client, CLAIM, [home.tenantId, of]);
      },
    }),
  ),
  {
    name: 'the victim reads its API keys',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.victim);
      return outcomeOf(client, 'select from business_store_service.api_keys');
    },
  },
  {
    name: 'a system administrator enters the victim without a grant',
    mustBeRefused: true,
    run: async (client, subject) => {
      const actor = { ...ACTOR, roles: ['system_admin'] };
      const token = await tokenOf(client, subject.victim, subject.database.contextKey.secret, subject.victim, actor);
      return outcomeOf(client, 'select bss.enter($1, true)', [token]);
    },
  },
  {
    name: 'the victim reads the access grants that name it',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.victim);
      return outcomeOf(client, 'select from business_store_service.access_grants');
    },
  },
  {
    name: 'the victim reads its webhooks',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.victim);
      return outcomeOf(client, 'select from business_store_service.webhooks');
    },
  },
  {
    name: 'the victim reads the roles that it has made',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, subject.victim);
      return outcomeOf(client, 'select from business_store_service.tenant_roles');
    },
  },
  {
    name: 'the attacker moves the imports of the victim on',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, subject.attacker);
      const text = 'update business_store_service.imports set bytes = 1 where tenant_id = $1';
      return outcomeOf(client, text, [subject.victim.tenantId]);
    },
  },
  ...(['for the victim', "in somebody else's name"] as const).map(
    (how): Attempt => ({
      name: `the attacker begins an import ${how}`,
      mustBeRefused: true,
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, subject.attacker);
        const [home, of] = how === 'for the victim' ? [subject.victim, ACTOR.subject] : [subject.attacker, 'somebody'];
        return outcomeOf(client, IMPORT_INSERT, [home.tenantId, of]);
      },
    }),
  ),
  ...(['the trail of the victim', "somebody else's name"] as const).map(
    (where): Attempt => ({
      name: `the attacker writes events into ${where}`,
      mustBeRefused: true,
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, subject.attacker);
        const [home, actor] =
          where === 'the trail of the victim' ? [subject.victim, ACTOR.subject] : [subject.attacker, 'somebody'];
        return outcomeOf(client, EVENT_INSERT, [home.tenantId, actor]);
      },
    }),
  ),
  {
    name: 'the control plane reads the victim in the context of the attacker',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, 'select from business_store_service.tenants where id = $1', [subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane reads the API keys of the victim in the context of the attacker',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, 'select from business_store_service.api_keys where tenant_id = $1', [subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane makes an API key of the victim in the context of the attacker',
    login: 'control',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, API_KEY_INSERT, [subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane gives an API key another role',
    login: 'control',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, { ...subject.victim, role: 'bss_control' });
      return outcomeOf(client, "update business_store_service.api_keys set roles = '{admin}'");
    },
  },
  {
    name: 'the control plane reads the access grants of the victim in the context of the attacker',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, 'select from business_store_service.access_grants where grant_id = $1', [subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane opens another tenant by a grant in the context of the attacker',
    login: 'control',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, GRANT_TENANT_INSERT, [subject.attacker.tenantId, subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane makes an access grant last longer',
    login: 'control',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, { ...subject.victim, tenantId: PLATFORM_ID }, { ...subject.victim, role: 'bss_control' });
      return outcomeOf(client, "update business_store_service.access_grants set expires_at = created_at + interval '4 hours'");
    },
  },
  ...['webhooks', 'webhook_deliveries'].map(
    (table): Attempt => ({
      name: `the control plane reads the ${table} of the victim in the context of the attacker`,
      login: 'control',
      run: async (client, subject) => {
        await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
        return outcomeOf(client, `select from business_store_service.${table} where tenant_id = $1`, [subject.victim.tenantId]);
      },
    }),
  ),
  ...(['attacker', 'platform'] as const).map(
    (context): Attempt => ({
      name: `the control plane makes a webhook of the victim in the context of the ${context}`,
      login: 'control',
      mustBeRefused: true,
      run: async (client, subject) => {
        const home = context === 'attacker' ? subject.attacker : { ...subject.victim, tenantId: PLATFORM_ID };
        await enter(client, subject, home, { ...home, role: 'bss_control' });
        return outcomeOf(client, WEBHOOK_INSERT, [subject.victim.tenantId]);
      },
    }),
  ),
  {
    name: 'the control plane says that somebody else made a webhook',
    login: 'control',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, { ...subject.victim, role: 'bss_control' });
      return outcomeOf(client, "update business_store_service.webhooks set created_by = 'somebody'");
    },
  },
  {
    name: 'the control plane reads the roles of the victim in the context of the attacker',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, 'select from business_store_service.tenant_roles where tenant_id = $1', [subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane makes a role of the victim in the context of the attacker',
    login: 'control',
    mustBeRefused: true,
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, ROLE_INSERT, [subject.victim.tenantId, 'probe']);
    },
  },
  {
    name: 'the control plane widens a role of the victim in the context of the attacker',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      const text = "update business_store_service.tenant_roles set inherits = '{admin}' where tenant_id = $1";
      return outcomeOf(client, text, [subject.victim.tenantId]);
    },
  },
  ...KEY_ATTEMPTS.map(
    ({ name, as, mustBeRefused, sql }): Attempt => ({
      name,
      ...(mustBeRefused && { mustBeRefused }),
      ...(as !== 'the victim' && { login: 'control' }),
      run: async (client, subject) => {
        const home = as === 'the control plane for the attacker' ? subject.attacker : subject.victim;
        await enter(client, subject, home, as === 'the victim' ? home : { ...home, role: 'bss_control' });
        return outcomeOf(client, sql, [subject.victim.tenantId]);
      },
    }),
  ),
  {
    name: 'the control plane moves the publishing of the victim in the context of the victim',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.victim, { ...subject.victim, role: 'bss_control' });
      return outcomeOf(client, 'update audit.publishing set seq = seq + 1 where tenant_id = $1', [subject.victim.tenantId]);
    },
  },
  {
    name: 'the control plane takes the turn to publish in the context of the attacker',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, subject.attacker, { ...subject.attacker, role: 'bss_control' });
      return outcomeOf(client, 'update audit.sinks set fence = fence + 1');
    },
  },
  {
    name: 'the control plane sweeps answers that have not expired',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, { ...subject.victim, tenantId: PLATFORM_ID }, { ...subject.victim, role: 'bss_control' });
      return outcomeOf(client, 'delete from business_store_service.idempotency_keys where expires_at > now()');
    },
  },
  {
    name: 'the control plane forgets an import of today',
    login: 'control',
    run: async (client, subject) => {
      await enter(client, subject, { ...subject.victim, tenantId: PLATFORM_ID }, { ...subject.victim, role: 'bss_control' });
      return outcomeOf(client, "delete from business_store_service.imports where updated_at > now() - interval '1 day'");
    },
  },
  {
    name: 'the owner of the table reads',
    login: 'control',
    run: async (client, { victim }) => {
      await client.query(`set local role "${victim.ownerRole}"`);
      return outcomeOf(client, `select from ${note(victim)}`);
    },
  },
  {
    name: 'the owner of the past reads',
    login: 'control',
    run: async (client, { victim }) => {
      await client.query(`set local role "${victim.ownerRole}"`);
      return outcomeOf(client, `select from ${past(victim)}`);
    },
  },
  {
    name: 'the owner of the past reads a partition',
    login: 'control',
    run: async (client, { victim }) => {
      await client.query(`set local role "${victim.ownerRole}"`);
      return outcomeOf(client, `select from ${pastPartition(victim)}`);
    },
  },
  {
    name: 'a restore by a superuser puts a row into the wrong house',
    login: 'superuser',
    mustBeRefused: true,
    run: async (client, { attacker, victim }) => {
      await client.query(`set local search_path = "${attacker.schema}"`);
      const { text, values } = noteInsert(victim.tenantId, 'restored');
      return outcomeOf(client, text, values);
    },
  },
  {
    name: 'a restore by a superuser puts a row into the past of the wrong house',
    login: 'superuser',
    mustBeRefused: true,
    run: (client, { attacker, victim }) => outcomeOf(client, pastInsert(attacker), [victim.tenantId]),
  },
];

export const ATTEMPT_NAMES: readonly string[] = ATTEMPTS.map(({ name }) => name);

const EVENT_INSERT = `insert into audit.events (tenant_id, event_id, actor, request_id, action, body)
values ($1, gen_random_uuid(), $2, 'probe', 'record.created', '{}')`;

const IMPORT_INSERT = `insert into business_store_service.imports
  (tenant_id, import_id, entity, format, on_error, holder, prefix_hash, created_by, request_id)
values ($1, gen_random_uuid(), 'note', 'csv', 'abort', gen_random_uuid(), sha256(''), $2, 'probe')`;

/** Its id is that of the tenant it is made for. */
const GRANT_INSERT = `insert into business_store_service.access_grants
  (grant_id, requested_by, reason, access, needs_approval, expires_at)
values ($1, 'seed', 'the reason of a seed', 'read', false, now() + interval '1 hour')`;

const GRANT_TENANT_INSERT = `insert into business_store_service.access_grant_tenants (tenant_id, grant_id)
values ($1, $2)`;

const API_KEY_INSERT = `insert into business_store_service.api_keys (tenant_id, key_id, name, secret_hash, roles, created_by)
values ($1, gen_random_uuid(), 'probe', sha256('probe'), '{viewer}', 'probe')`;

const WEBHOOK_INSERT = `insert into business_store_service.webhooks
  (tenant_id, webhook_id, url, events, include, enabled, secret, created_by, sent_seq)
values ($1, gen_random_uuid(), 'https://example.com/', '{*}', 'ids', true, 'sealed', 'probe', 0)`;

const ROLE_INSERT = 'insert into business_store_service.tenant_roles (tenant_id, name) values ($1, $2)';

const CLAIM = `insert into business_store_service.idempotency_keys (tenant_id, subject, key_hash, request_hash, expires_at)
values ($1, $2, sha256('key'), sha256('request'), now() + interval '1 day')`;

/** Of colleagues in the tenant. */
const OTHERS_ANSWERS = `business_store_service.idempotency_keys where tenant_id = $1 and subject <> '${ACTOR.subject}'`;

function note(home: TenantHome): string {
  return `"${home.schema}".note`;
}

/** The table of the past that `seedPast` makes, and its one partition. */
export function past(home: TenantHome): string {
  return qualified(home, pastTable('history', home.tenantId));
}

export function pastPartition(home: TenantHome): string {
  return qualified(home, partitionName(pastTable('history', home.tenantId), OPEN));
}

const OPEN = { from: null, to: null };

function pastInsert(home: TenantHome): string {
  return `insert into ${past(home)} (tenant_id, id, revision, version, began_at, ended_at, ended_by, body)
values ($1, gen_random_uuid(), 1, 1, now(), now(), 'seed', '{}')`;
}

/** A former version of a record. */
export async function seedPast(database: TestDatabase, controlPlane: ControlPlane, home: TenantHome): Promise<void> {
  const table = pastTable('history', home.tenantId);
  await controlPlane.inTenant(ACTOR, home, (tx) =>
    tx.asOwner(home, [...createPastTable(home, table), ...createPartition(home, table, OPEN)]),
  );
  await database.admin(pastInsert(home), [home.tenantId]);
}

/** Changes role and tenant inside one SELECT, then has a function of Postgres run `sql` with them. */
function selectAs(victim: TenantHome, sql: string): string {
  return `select inside.word
from (select set_config('role', ${quoteLiteral(victim.role)}, true)
          || set_config('app.current_tenant', ${quoteLiteral(victim.tenantId)}, true) as changed) as context,
  lateral ts_stat(case when context.changed is not null then ${quoteLiteral(sql)} end) as inside`;
}

/** Enters as the service would, with a token for `tenant` and the role and schema of `place`. */
async function enter(client: pg.Client, { database }: ProbeSubject, tenant: TenantHome, place: TenantHome): Promise<void> {
  await client.query('select bss.enter($1, false)', [await tokenOf(client, tenant, database.contextKey.secret, place)]);
}

async function tokenOf(
  client: pg.Client,
  tenant: TenantHome,
  secret: Buffer,
  { schema, role }: TenantHome,
  actor = ACTOR,
): Promise<string> {
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const claims = { tenantId: tenant.tenantId, schema, role, actor };
  return mintContextToken({ kid: 'test', secret }, claims, rows[0].pid, Math.floor(Date.now() / 1000) + 60);
}

export async function seedSharedTables(database: TestDatabase, { tenantId }: TenantHome): Promise<void> {
  await database.admin(EVENT_INSERT, [tenantId, 'seed']);
  await database.admin(
    `with head as (insert into audit.heads (tenant_id, seq, hash, sealed_at) values ($1, 1, sha256(''), now())),
     chain as (
       insert into audit.chain (tenant_id, seq, event_id, occurred_at, hash, sealed_at) values ($1, 1, $1, now(), sha256(''), now())
     ),
     proof as (
       insert into audit.proofs (tenant_id, number, taken_at, seq, hash, leaf_index, path) values ($1, 1, now(), 1, sha256(''), 0, '')
     ),
     leaf as (insert into audit.checkpointed_heads (tenant_id, seq, hash) values ($1, 1, sha256('')))
     insert into audit.checkpoints (number, events, jws) values (1, 1, 'seed')`,
    [tenantId],
  );
  await database.admin(IMPORT_INSERT, [tenantId, 'seed']);
  await database.admin(API_KEY_INSERT, [tenantId]);
  await seedKeys(database, tenantId);
  await database.admin(GRANT_INSERT, [tenantId]);
  await database.admin(GRANT_TENANT_INSERT, [tenantId, tenantId]);
  await database.admin(
    "insert into audit.sinks (sink, label, holder, holds_until) values ('seed', 'seed', gen_random_uuid(), now())",
  );
  await database.admin("insert into audit.publishing (sink, tenant_id) values ('seed', $1)", [tenantId]);
  await database.admin(ROLE_INSERT, [tenantId, 'seed']);
  await database.admin(WEBHOOK_INSERT, [tenantId]);
  await database.admin(
    `insert into business_store_service.webhook_deliveries
       (tenant_id, webhook_id, event_id, seq, action, status, tries, attempts, finished_at, expires_at)
     select tenant_id, webhook_id, gen_random_uuid(), 1, 'seed', 'dead', 1, '[]', now(), now() + interval '1 day' from business_store_service.webhooks`,
  );
  // To somebody in every tenant, so that there are answers to colleagues too.
  await database.admin(
    CLAIM.replace('values ($1, $2,', 'select id, $1,').replace(/\)$/, ' from business_store_service.tenants'),
    ['seed'],
  );
  await database.admin(
    `with entity as (
       insert into business_store_service.tenant_schemas (tenant_id, entity_id, name, version, document)
       values ($1, $1, 'note', 1, '{}')
     ),
     change as (
       insert into business_store_service.schema_changes
         (tenant_id, change_id, entity_id, entity, from_version, document, hash, plan, allow, created_by, request_id, status)
       values ($1, $1, $1, 'note', 1, '{}', '', '{}', '{}', 'seed', 'seed', 'done')
     ),
     past as (
       insert into business_store_service.past_tables (tenant_id, entity_id, kind)
       values ($1, $1, 'history')
     ),
     retained as (
       insert into business_store_service.retained_properties
         (tenant_id, entity_id, column_name, property, definition, required, dropped_version, dropped_by, purge_at)
       values ($1, $1, 'seed', 'seed', '{}', false, 1, 'seed', now() + interval '1 day')
     ),
     pack as (
       insert into business_store_service.tenant_packs (tenant_id, pack, version)
       values ($1, 'seed', '1.0.0')
     )
     insert into business_store_service.entity_versions (tenant_id, entity_id, version, document, created_by, request_id)
     values ($1, $1, 1, '{}', 'seed', 'seed')`,
    [tenantId],
  );
}

async function outcomeOf(client: pg.Client, text: string, values: readonly (string | null)[] = []): Promise<Outcome> {
  try {
    const { rowCount } = await client.query(text, [...values]);
    return { refused: false, rows: rowCount ?? 0 };
  } catch (error) {
    // Anything else is a fault of the attempt, which then proves nothing.
    if (!REFUSALS.has((error as { code?: string }).code)) throw error;
    return { refused: true, rows: 0 };
  }
}

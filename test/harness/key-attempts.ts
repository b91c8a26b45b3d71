import type { TestDatabase } from './database.js';

/** What nobody may do with the wrapped keys of tenants, for `probe.ts`. */

export const KEY_TABLES = ['tenant_keys', 'data_keys', 'subject_keys', 'key_jobs'] as const;

export interface KeyAttempt {
  readonly name: string;
  /** Whose context it is done in: by the tenant's own role, or by the control plane. */
  readonly as: 'the victim' | 'the control plane for the attacker' | 'the control plane for the victim';
  readonly mustBeRefused?: true;
  /** `$1` is the victim. */
  readonly sql: string;
}

const DATA_KEY = `insert into business_store_service.data_keys (tenant_id, purpose, version, provider, key_ref, wrapped, commitment)
values ($1, 'encrypt', 9, 'local', 'seed', 'x', sha256('x'))`;

export const KEY_ATTEMPTS: readonly KeyAttempt[] = [
  ...KEY_TABLES.map(
    (table): KeyAttempt => ({
      name: `the victim reads its ${table}`,
      as: 'the victim',
      mustBeRefused: true,
      sql: `select from business_store_service.${table} where tenant_id = $1`,
    }),
  ),
  ...KEY_TABLES.map(
    (table): KeyAttempt => ({
      name: `the control plane reads the ${table} of the victim in the context of the attacker`,
      as: 'the control plane for the attacker',
      sql: `select from business_store_service.${table} where tenant_id = $1`,
    }),
  ),
  {
    name: 'the control plane makes a key of the victim in the context of the attacker',
    as: 'the control plane for the attacker',
    mustBeRefused: true,
    sql: DATA_KEY,
  },
  {
    name: 'the control plane moves the keys of the victim on in the context of the attacker',
    as: 'the control plane for the attacker',
    sql: 'update business_store_service.tenant_keys set epoch = epoch + 1 where tenant_id = $1',
  },
  {
    name: 'the control plane says what a key commits to',
    as: 'the control plane for the victim',
    mustBeRefused: true,
    sql: "update business_store_service.data_keys set commitment = sha256('another') where tenant_id = $1",
  },
];

export async function seedKeys(database: TestDatabase, tenantId: string): Promise<void> {
  await database.admin(
    "insert into business_store_service.tenant_keys (tenant_id, provider, key_ref) values ($1, 'local', 'seed')",
    [tenantId],
  );
  await database.admin(DATA_KEY.replace('9', '1'), [tenantId]);
  await database.admin(
    `insert into business_store_service.subject_keys (tenant_id, key_id, subject, sealed)
     values ($1, gen_random_uuid(), 'seed', 'x')`,
    [tenantId],
  );
  await database.admin(
    `insert into business_store_service.key_jobs (tenant_id, job_id, kind, created_by, request_id)
     values ($1, gen_random_uuid(), 'rewrap', 'seed', 'seed')`,
    [tenantId],
  );
}

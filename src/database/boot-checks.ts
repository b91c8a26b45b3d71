import pg from 'pg';

/**
 * What the database must be before a request is served. Each refusal says what was found and what to do; a server below
 * the security floor is a warning, said loudly.
 */

/** Oldest minor release of each major version with the row-level-security fixes (CVE-2026-14666 and before). */
const SECURITY_FLOOR: Readonly<Record<number, number>> = { 15: 19, 16: 15, 17: 11, 18: 6 };

export interface BootReport {
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
  /** Such as `18.4`. */
  readonly serverVersion: string;
}

interface Login {
  name: string;
  superuser: boolean;
  bypass_rls: boolean;
  create_role: boolean;
  replication: boolean;
  owns: number;
  /** A role it may SET ROLE to that is not a tenant's. */
  becomes: string | null;
  /** A role whose rights it has without SET ROLE; the pool role must have none of a tenant's. */
  inherits: string | null;
  /** A relation it has any right on. */
  reaches: string | null;
  creates: boolean;
}

export async function checkDatabase(
  urls: { runtimeUrl: string; controlUrl: string },
  allowUnsafeDurability: boolean,
): Promise<BootReport> {
  const refusals: string[] = [];
  const warnings: string[] = [];
  let serverVersion = '';
  for (const url of [urls.runtimeUrl, urls.controlUrl]) {
    const isRuntime = url === urls.runtimeUrl;
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, application_name: 'bss-boot-checks' });
    await connect(client, isRuntime);
    try {
      if (!(await isPrepared(client))) return { refusals: [NOT_PREPARED], warnings, serverVersion };
      refusals.push(...(await loginRefusals(client, isRuntime)));
      const settings = await readSettings(client);
      // Both: a login may have a synchronous_commit of its own.
      const unsafe = allowUnsafeDurability ? [] : durabilityRefusals(settings);
      refusals.push(...unsafe.filter((line) => !refusals.includes(line)));
      if (isRuntime) {
        serverVersion = settings.version;
        const version = versionFaults(Number(settings.versionNumber), serverVersion);
        refusals.push(...version.refusals);
        warnings.push(...version.warnings);
        if (settings.setConfig) {
          warnings.push(
            'set_config() is executable by PUBLIC: this server did not allow the REVOKE, so one of the locks is missing. ' +
              'Run `bss migrate` with a DATABASE_ADMIN_URL that owns it.',
          );
        }
        if (!settings.usesIndexes) {
          warnings.push(
            'comparisons of numeric and jsonb are not marked LEAKPROOF in this database: behind row-level security, filters and pages ' +
              'by a decimal and GIN indexes read whole tables. Run `bss migrate` as a superuser, again after an upgrade or a restore.',
          );
        }
      }
    } finally {
      await client.end();
    }
  }
  return { refusals, warnings, serverVersion };
}

const NOT_PREPARED =
  'the database is not prepared: run `npm run -s bss -- migrate` with DATABASE_ADMIN_URL set to a login that may create roles (README, In production)';

/** What `bss migrate` does first; before it, every other finding would be misleading. */
async function isPrepared(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ prepared: boolean }>(`
    select exists (select from pg_namespace where nspname = 'bss_migrations')
           or (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as prepared`);
  return rows[0]?.prepared === true;
}

/** Says which setting is meant and where it points, never the password. */
async function connect(client: pg.Client, isRuntime: boolean): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    // A name with several addresses fails with all of their errors and a message of none.
    const reasons = error instanceof AggregateError ? error.errors : [error];
    const reason = reasons.map((one) => (one instanceof Error ? one.message : String(one))).join('; ');
    const { user, host, port, database } = client;
    throw new Error(`${settingOf(isRuntime)}: cannot connect as ${user} to ${host}:${port}/${database}: ${reason}`, {
      cause: error,
    });
  }
}

function settingOf(isRuntime: boolean): string {
  return isRuntime ? 'DATABASE_URL' : 'DATABASE_CONTROL_URL';
}

async function loginRefusals(client: pg.Client, isRuntime: boolean): Promise<string[]> {
  const { rows } = await client.query<Login>(`
    select rolname as name,
           rolsuper as superuser,
           rolbypassrls as bypass_rls,
           rolcreaterole as create_role,
           rolreplication as replication,
           (select count(*)::int from pg_class where relowner = r.oid) as owns,
           (select min(rolname)
            from pg_roles as o
            where o.oid <> r.oid
              and rolname !~ '^tn_[0-9a-f]{16}$'
              and rolname <> 'bss_tenant'
              and pg_has_role(r.oid, o.oid, 'member')) as becomes,
           (select min(rolname) from pg_roles as o where o.oid <> r.oid and pg_has_role(r.oid, o.oid, 'usage')) as inherits,
           (select min(oid::regclass::text)
            from pg_class
            where relkind in ('r', 'p', 'v', 'm', 'f')
              and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
              and relowner <> r.oid
              and has_table_privilege(oid, 'select, insert, update, delete, truncate, references, trigger')) as reaches,
           has_database_privilege(current_database(), 'create, temp')
             or exists (select from pg_namespace where has_schema_privilege(oid, 'create')) as creates
    from pg_roles as r
    where rolname = current_user`);
  const login = rows[0];
  if (!login) return ['the login role could not be read from pg_roles'];
  const setting = settingOf(isRuntime);
  const remedy = `Use the login that \`bss migrate\` creates (${isRuntime ? 'bss_app_00' : 'bss_migrator'}).`;
  const refusals: string[] = [];
  if (login.superuser)
    refusals.push(`${setting} logs in as ${login.name}, a superuser: row-level security would not hold. ${remedy}`);
  if (login.bypass_rls) refusals.push(`${setting} logs in as ${login.name}, which has BYPASSRLS. ${remedy}`);
  if (login.replication)
    refusals.push(`${setting} logs in as ${login.name}, which has REPLICATION; decoding ignores RLS. ${remedy}`);
  if (isRuntime && login.create_role) refusals.push(`${setting} logs in as ${login.name}, which has CREATEROLE. ${remedy}`);
  if (isRuntime && login.owns > 0)
    refusals.push(`${setting} logs in as ${login.name}, which owns ${login.owns} relations. ${remedy}`);
  if (!isRuntime || login.superuser) return refusals;
  if (login.becomes) refusals.push(`${setting} logs in as ${login.name}, which may become ${login.becomes}. ${remedy}`);
  if (login.inherits)
    refusals.push(`${setting} logs in as ${login.name}, which inherits the rights of ${login.inherits}. ${remedy}`);
  if (login.reaches)
    refusals.push(`${setting} logs in as ${login.name}, which has rights on ${login.reaches}. Revoke them. ${remedy}`);
  if (login.creates) refusals.push(`${setting} logs in as ${login.name}, which may create objects in the database. ${remedy}`);
  return refusals;
}

interface ServerSettings {
  version: string;
  versionNumber: string;
  fsync: string;
  fullPageWrites: string;
  synchronousCommit: string;
  setConfig: boolean;
  usesIndexes: boolean;
}

async function readSettings(client: pg.Client): Promise<ServerSettings> {
  const { rows } = await client.query<ServerSettings>(`
    select current_setting('server_version') as version,
           current_setting('server_version_num') as "versionNumber",
           current_setting('fsync') as fsync,
           current_setting('full_page_writes') as "fullPageWrites",
           current_setting('synchronous_commit') as "synchronousCommit",
           has_function_privilege('pg_catalog.set_config(text, text, boolean)', 'execute') as "setConfig",
           (select bool_and(proleakproof)
            from pg_proc
            where pronamespace = 'pg_catalog'::regnamespace
              and proname in ('numeric_eq', 'numeric_ne', 'numeric_lt', 'numeric_le', 'numeric_gt', 'numeric_ge', 'numeric_cmp',
                'jsonb_contains')
           ) as "usesIndexes"`);
  return rows[0] as ServerSettings;
}

/** A kill -9 lost 10,926 of 89,707 acknowledged writes with synchronous_commit off, and 0 of 5,121 with it on. */
function durabilityRefusals(settings: ServerSettings): string[] {
  return (
    [
      ['fsync', settings.fsync],
      ['full_page_writes', settings.fullPageWrites],
      ['synchronous_commit', settings.synchronousCommit],
    ] as const
  )
    .filter(([, value]) => value === 'off')
    .map(([name]) => `${name} is off: acknowledged writes could be lost in a crash. Set ${name} = on.`);
}

export function versionFaults(versionNumber: number, version: string): { refusals: string[]; warnings: string[] } {
  const major = Math.floor(versionNumber / 10_000);
  const minor = versionNumber % 10_000;
  const floor = SECURITY_FLOOR[major];
  if (floor === undefined) {
    return { refusals: [`the server is Postgres ${version}; supported are 15, 16, 17 and 18`], warnings: [] };
  }
  if (minor >= floor) return { refusals: [], warnings: [] };
  return {
    refusals: [],
    warnings: [
      `SECURITY: Postgres ${version} is below ${major}.${floor}, which fixes row-level-security flaws. Do not use it in production.`,
    ],
  };
}

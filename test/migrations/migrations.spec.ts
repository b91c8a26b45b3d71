import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { bootstrap } from '../../src/database/bootstrap.js';
import { ControlPlane } from '../../src/database/control-plane.js';
import { listMigrations, migrate } from '../../src/database/migrations.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { failureOf } from '../harness/tenants.js';

/** The law of the cluster and the migrations, from a database that has nothing. */

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
});

afterEach(async () => {
  await database.drop();
});

const NAMES = listMigrations().map((Migration) => new Migration().name as string);
const noted = async (): Promise<string[]> =>
  (await database.admin('select name from bss_migrations.migrations order by id')).rows.map(({ name }) => name);

async function opened<T>(work: (ran: string[]) => Promise<T>): Promise<T> {
  const controlPlane = controlPlaneOf(database);
  try {
    return await work(await controlPlane.open());
  } finally {
    await controlPlane.close();
  }
}

describe('migrations', () => {
  it('of three replicas that start at once all succeed, and each migration runs once', async () => {
    const replicas = [1, 2, 3].map(() => controlPlaneOf(database));
    try {
      const ran = await Promise.all(replicas.map((replica) => replica.open()));
      expect(ran.flat()).toEqual(NAMES);
      expect(await noted()).toEqual(NAMES);
    } finally {
      await Promise.all(replicas.map((replica) => replica.close()));
    }
  });

  it('are run by the login of the control plane, which is no superuser', async () => {
    await opened(async () => {
      const { rows } = await withClient(database.controlUrl, (client) =>
        client.query('select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user'),
      );
      expect(rows).toEqual([{ rolname: 'bss_migrator', rolsuper: false, rolbypassrls: false }]);
      const { rows: owners } = await database.admin(
        `select distinct pg_get_userbyid(relowner) as owner from pg_class
         where relnamespace in (select oid from pg_namespace where nspname in ('bss', 'audit', 'business_store_service'))`,
      );
      expect(owners).toEqual([{ owner: 'bss_owner' }]);
    });
  });

  it('that have run do not run again', async () => {
    await opened(async (ran) => expect(ran).toEqual(NAMES));
    const { rows: before } = await database.admin('select * from bss.context_keys');
    await opened(async (ran) => expect(ran).toEqual([]));
    expect((await database.admin('select * from bss.context_keys')).rows).toEqual(before);
  });

  it('that fail leave nothing of themselves, and the next start goes on from there', async () => {
    await database.admin('create schema audit');
    const output = jest.spyOn(console, 'log').mockImplementation(() => {});
    expect(await failureOf(opened(async () => {}))).toBe('42P06');
    output.mockRestore();
    const failed = NAMES.findIndex((name) => name.startsWith('audit'));
    expect([failed > 0, await noted()]).toEqual([true, NAMES.slice(0, failed)]);
    await database.admin('drop schema audit');
    await opened(async (ran) => expect(ran).toEqual(NAMES.slice(failed)));
  });

  it('let the control plane enter the tenants there were before it could, and no role of another database', async () => {
    const former = new DataSource({
      ...{ type: 'postgres', url: database.controlUrl, schema: 'bss_migrations', installExtensions: false },
      migrations: listMigrations().slice(
        0,
        NAMES.findIndex((name) => name.startsWith('changes')),
      ),
    });
    await former.initialize();
    await migrate(former, database.controlUrl);
    await former.destroy();
    const [here, elsewhere] = [1, 2].map(() => `tn_${randomBytes(8).toString('hex')}`) as [string, string];
    try {
      // As a tenant was provisioned then.
      await withClient(database.controlUrl, (client) =>
        client.query(`create role ${here} nologin noinherit; create role ${elsewhere} nologin noinherit;
          grant ${here}, ${elsewhere} to bss_app_00; create schema t_${here.slice(3)}`),
      );
      await opened(async (ran) => expect(ran[0]).toMatch(/^changes/));
      // On Postgres 16 and later whoever makes a role is a member, but may not SET ROLE to it.
      await withClient(database.controlUrl, async (client) => {
        await client.query(`set role ${here}; reset role`);
        expect(await failureOf(client.query(`set role ${elsewhere}`))).toBe('42501');
      });
    } finally {
      await database.admin(`drop schema t_${here.slice(3)}; drop role ${here}; drop role ${elsewhere}`);
    }
  });

  it('wait for the lock of another replica instead of running beside it', async () => {
    await withClient(database.controlUrl, async (client) => {
      await client.query('select pg_advisory_lock($1)', [0x6273_736d]);
      let done = false;
      const controlPlane = controlPlaneOf(database);
      const opening = controlPlane.open().finally(() => {
        done = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect([done, (await database.admin("select to_regnamespace('bss') as bss")).rows]).toEqual([false, [{ bss: null }]]);
      await client.query('select pg_advisory_unlock($1)', [0x6273_736d]);
      expect(await opening).toEqual(NAMES);
      await controlPlane.close();
    });
  });
});

describe('a context key', () => {
  const openedWith = async (secret: Buffer): Promise<string> => {
    const controlPlane = new ControlPlane({ url: database.controlUrl, contextKeys: [{ kid: 'test', secret }], entities: [] });
    try {
      return await failureOf(controlPlane.open());
    } finally {
      await controlPlane.close();
    }
  };

  it('is refused under the name of another key, and when it is retired', async () => {
    expect(await openedWith(database.contextKey.secret)).toBe('no error');
    const refusal = 'context key test is retired, or another key has its name: choose a new one';
    expect(await openedWith(Buffer.alloc(32, 8))).toBe(refusal);
    await database.admin('update bss.context_keys set retired_at = now()');
    expect(await openedWith(database.contextKey.secret)).toBe(refusal);
  });

  it('is not stored as it is: no column holds the secret', async () => {
    await openedWith(database.contextKey.secret);
    const { rows } = await database.admin('select inner_block, outer_block from bss.context_keys');
    for (const block of Object.values(rows[0]) as Buffer[]) expect(block.includes(database.contextKey.secret)).toBe(false);
  });
});

describe('bootstrap', () => {
  const lay = (on: TestDatabase): Promise<void> => bootstrap(on.adminUrl, on);
  /** Other tests have logins of their own in the same cluster. */
  const ROLES = ['bss_owner', 'bss_control', 'bss_tenant', 'bss_migrator', 'bss_app_00'];
  /** Everything it lays down, but the salted passwords. */
  const law = async (): Promise<unknown> =>
    (
      await database.admin(
        `
        select (select json_agg(r order by rolname) from (
                  select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
                  from pg_roles where rolname = any ($1)) as r) as roles,
               (select json_agg(m::text order by m::text) from (
                  select roleid::regrole, member::regrole, admin_option from pg_auth_members
                  where roleid::regrole::text = any ($1) and member::regrole::text = any ($1)) as m) as members,
               (select json_agg(s::text order by s::text) from (
                  select setrole::regrole, setconfig from pg_db_role_setting
                  where setdatabase = 0 and setrole::regrole::text = any ($1)) as s) as settings,
               (select lanacl::text from pg_language where lanname = 'plpgsql') as language,
               (select datacl::text from pg_database where datname = current_database()) as database,
               (select json_agg(n::text order by n::text) from (
                  select nspname, nspacl from pg_namespace where nspname in ('public', 'bss_migrations')) as n) as schemas,
               (select json_agg(f::text order by f::text) from (
                  select oid::regprocedure, proacl from pg_proc where proname = 'set_config' or proname like 'lo\\_%') as f) as functions`,
        [ROLES],
      )
    ).rows[0];

  it('may be run again and again: it changes nothing, on a migrated database either', async () => {
    const first = await law();
    await lay(database);
    expect(await law()).toEqual(first);
    await opened(async () => {
      await lay(database);
      expect(await law()).toEqual(first);
    });
  });

  it('may be run by three replicas at once, and for another database of the same cluster meanwhile', async () => {
    const first = await law();
    const other = await createTestDatabase({ migrated: false });
    try {
      await Promise.all([lay(database), lay(other), lay(database), lay(other), lay(database)]);
    } finally {
      await other.drop();
    }
    expect(await law()).toEqual(first);
  });

  it('repairs what was opened', async () => {
    const first = await law();
    await database.admin('grant execute on function pg_catalog.set_config(text, text, boolean) to public');
    await database.admin('grant execute on function pg_catalog.lo_create(oid) to public');
    await database.admin('grant create on schema public to public');
    await database.admin('grant usage on language plpgsql to public');
    await database.admin(`grant all on database ${database.name} to public`);
    expect(await law()).not.toEqual(first);
    await lay(database);
    // An emptied list of privileges is written differently from one that was never touched: compare what it says.
    const { rows } = await database.admin(`
      select has_function_privilege('bss_app_00', 'pg_catalog.set_config(text, text, boolean)', 'EXECUTE') as set_config,
             has_function_privilege('bss_app_00', 'pg_catalog.lo_create(oid)', 'EXECUTE') as lo_create,
             has_schema_privilege('bss_app_00', 'public', 'CREATE') as create_in_public,
             has_language_privilege('bss_app_00', 'plpgsql', 'USAGE') as do,
             has_database_privilege('bss_app_00', current_database(), 'TEMP') as temp`);
    expect(rows).toEqual([{ set_config: false, lo_create: false, create_in_public: false, do: false, temp: false }]);
  });

  it('refuses the URL of another login, and leaves nothing changed', async () => {
    const urls = { runtimeUrl: database.controlUrl, controlUrl: database.controlUrl };
    expect(await failureOf(bootstrap(database.adminUrl, urls))).toBe('the URL must log in as bss_app_00, not as bss_migrator');
  });
});

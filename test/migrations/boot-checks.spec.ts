import { checkDatabase, versionFaults } from '../../src/database/boot-checks.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';

/** With which logins and on which servers the service does not start. */

let database: TestDatabase;
let roles = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
});

/** A login of its own with these attributes, gone again afterwards; `prepare` gets its name. */
async function withLogin<T>(
  attributes: string,
  prepare: (name: string) => string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const name = `${database.name}_login_${++roles}`;
  const url = new URL(database.runtimeUrl);
  url.username = name;
  await database.admin(`create role ${name} login password '${url.password}' ${attributes}`);
  try {
    await database.admin(`grant connect on database ${database.name} to ${name}; ${prepare(name)}`);
    return await work(url.href);
  } finally {
    await database.admin(`drop owned by ${name}; drop role ${name}`);
  }
}

const nothing = () => '';
const faultyLogins: [string, string, (name: string) => string, RegExp[]][] = [
  ['a superuser', 'superuser', nothing, [/, a superuser: row-level security would not hold/]],
  ['a role with BYPASSRLS', 'bypassrls', nothing, [/, which has BYPASSRLS/]],
  ['a role with CREATEROLE', 'createrole', nothing, [/, which has CREATEROLE/]],
  ['a role with REPLICATION', 'replication', nothing, [/, which has REPLICATION; decoding ignores RLS/]],
  [
    'an owner of tables',
    '',
    (name) => `create table public.mine (); alter table public.mine owner to ${name}`,
    [/, which owns 1 relations/],
  ],
  ['a member of bss_owner', 'noinherit', (name) => `grant bss_owner to ${name}`, [/, which may become bss_owner/]],
  [
    'a role that inherits',
    '',
    (name) => `grant bss_tenant to ${name}`,
    [/, which inherits the rights of bss_tenant/, /, which has rights on audit\.chain/],
  ],
  [
    'a role with rights on a table',
    '',
    (name) => `grant insert on audit.pending to ${name}`,
    [/, which has rights on audit.pending. Revoke them/],
  ],
  [
    'a role that makes temporary tables',
    '',
    (name) => `grant temp on database ${database.name} to ${name}`,
    [/, which may create objects/],
  ],
  ['a role that makes tables', '', (name) => `grant create on schema audit to ${name}`, [/, which may create objects/]],
  [
    'all of it',
    'bypassrls createrole noinherit',
    (name) => `grant bss_owner to ${name}`,
    [/BYPASSRLS/, /CREATEROLE/, /bss_owner/],
  ],
];

describe('the service does not start as', () => {
  it.each(faultyLogins)('%s at run time', async (_name, attributes, prepare, refusals) => {
    await withLogin(attributes, prepare, async (runtimeUrl) => {
      const report = await checkDatabase({ runtimeUrl, controlUrl: database.controlUrl }, true);
      expect(report.refusals).toEqual(refusals.map((refusal) => expect.stringMatching(refusal)));
      for (const refusal of report.refusals) {
        expect(refusal).toMatch(
          /^DATABASE_URL logs in as bss_test_\w+, .+\. Use the login that `bss migrate` creates \(bss_app_00\)\.$/,
        );
      }
    });
  });

  it.each(faultyLogins.filter(([name]) => /superuser|BYPASSRLS|REPLICATION/.test(name)))(
    '%s in the control plane',
    async (_name, attributes, prepare, refusals) => {
      await withLogin(attributes, prepare, async (controlUrl) => {
        const report = await checkDatabase({ runtimeUrl: database.runtimeUrl, controlUrl }, true);
        expect(report.refusals).toEqual(refusals.map((refusal) => expect.stringMatching(refusal)));
        expect(report.refusals[0]).toMatch(/^DATABASE_CONTROL_URL .+\(bss_migrator\)\.$/);
      });
    },
  );

  it('the login of the control plane at run time', async () => {
    const { refusals } = await checkDatabase({ runtimeUrl: database.controlUrl, controlUrl: database.controlUrl }, true);
    expect(refusals.join()).toMatch(/bss_migrator, which has CREATEROLE.*bss_migrator, which may become bss_control/);
  });
});

describe('a server that may lose what it acknowledged', () => {
  const settings = ['fsync', 'full_page_writes', 'synchronous_commit'];
  const refusalOf = (name: string) => `${name} is off: acknowledged writes could be lost in a crash. Set ${name} = on.`;

  it('is refused, each setting by its name, and accepted only where that is allowed', async () => {
    // The clusters of the tests have some of them off; synchronous_commit can be off for one login alone.
    await database.admin(`alter role bss_app_00 in database ${database.name} set synchronous_commit = off`);
    try {
      const { rows } = await database.admin('select name from pg_settings where name = any ($1) and setting = $2', [
        settings,
        'off',
      ]);
      const off = new Set([...rows.map(({ name }) => name), 'synchronous_commit']);
      expect((await checkDatabase(database, false)).refusals).toEqual(settings.filter((name) => off.has(name)).map(refusalOf));
      expect((await checkDatabase(database, true)).refusals).toEqual([]);
    } finally {
      await database.admin(`alter role bss_app_00 in database ${database.name} reset synchronous_commit`);
    }
  });
});

describe('a server version', () => {
  it.each([
    [140_023, '14.23'],
    [90_624, '9.6.24'],
    [190_000, '19beta1'],
  ])('%i is refused', (number, version) => {
    expect(versionFaults(number, version)).toEqual({
      refusals: [`the server is Postgres ${version}; supported are 15, 16, 17 and 18`],
      warnings: [],
    });
  });

  it.each([
    [150_018, '15.18', '15.19'],
    [160_014, '16.14', '16.15'],
    [170_010, '17.10', '17.11'],
    [180_005, '18.5', '18.6'],
    [180_000, '18rc1', '18.6'],
  ])('%i is below the security floor, which is said loudly', (number, version, floor) => {
    expect(versionFaults(number, version)).toEqual({
      refusals: [],
      warnings: [
        `SECURITY: Postgres ${version} is below ${floor}, which fixes row-level-security flaws. Do not use it in production.`,
      ],
    });
  });

  it.each([150_019, 150_030, 160_015, 170_011, 180_006, 180_010])('%i is good', (number) => {
    expect(versionFaults(number, 'any')).toEqual({ refusals: [], warnings: [] });
  });

  it('is read from the server itself', async () => {
    const { rows } = await database.admin(
      "select current_setting('server_version') as version, current_setting('server_version_num')::int as number",
    );
    const report = await checkDatabase(database, true);
    expect(report.serverVersion).toBe(rows[0].version);
    expect(report.warnings).toEqual(versionFaults(rows[0].number, rows[0].version).warnings);
  });
});

it('warns when set_config is open to all, because one of the locks is missing', async () => {
  const right = 'execute on function pg_catalog.set_config(text, text, boolean)';
  const warned = async () =>
    (await checkDatabase(database, true)).warnings.some((warning) => /set_config\(\) is executable by PUBLIC/.test(warning));
  expect(await warned()).toBe(false);
  await database.admin(`grant ${right} to public`);
  try {
    expect(await warned()).toBe(true);
  } finally {
    await database.admin(`revoke ${right} from public`);
  }
});

it.each(['numeric_lt(numeric, numeric)', 'jsonb_contains(jsonb, jsonb)'])(
  'warns when %s is not leakproof, because it then uses no index',
  async (comparison) => {
    const warned = async () =>
      (await checkDatabase(database, true)).warnings.some((warning) => /not marked LEAKPROOF/.test(warning));
    expect(await warned()).toBe(false);
    await database.admin(`alter function pg_catalog.${comparison} not leakproof`);
    try {
      expect(await warned()).toBe(true);
    } finally {
      await database.admin(`alter function pg_catalog.${comparison} leakproof`);
    }
  },
);

it('finds nothing to refuse in the two logins that bootstrap lays down', async () => {
  const controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  await controlPlane.close();
  expect((await checkDatabase(database, true)).refusals).toEqual([]);
});

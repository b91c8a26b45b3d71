/** The service as a process: what it refuses to start with, how two of them live side by side, and its command line. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bss, type ChildService, failToStart, startChildService } from '../harness/child-service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

let around: Surroundings;
let folder: string;

beforeAll(async () => {
  around = await createSurroundings();
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-process-'));
  // Run by root, Postgres has another account, which must be able to pass.
  await chmod(folder, 0o711);
});

afterAll(async () => {
  await around.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the service refuses to start', () => {
  const refused = async (environment: Record<string, string>) => {
    const { code, stdout, stderr } = await failToStart(environment);
    expect(stdout).not.toContain('listening');
    expect(stderr).not.toMatch(/test-only|\n {4}at /);
    return { code, stderr };
  };

  it('with wrong settings: exit code 78, all faults at once, no value repeated', async () => {
    const { code, stderr } = await refused({
      NODE_ENV: 'production',
      PORT: '99999',
      LOG_LEVEL: 'loud',
      DATABASE_POOL_SIZE: 'many',
      CONTEXT_KEYS: 'k1:not-32-bytes-of-secret',
      AUTH_ISSUER: 'urn:auth.example.com',
    });
    expect(code).toBe(78);
    expect(stderr).toContain('6 settings are wrong:');
    for (const fault of [
      'PORT must be <= 65535',
      'LOG_LEVEL must be',
      'DATABASE_POOL_SIZE must be integer',
      'CONTEXT_KEYS must',
    ]) {
      expect(stderr).toContain(`  - ${fault}`);
    }
    expect(stderr).toContain('AUTH_JWKS_URL is missing: AUTH_ISSUER is no http(s) address');
    expect(stderr).toContain('NODE_ENV is production, but DATABASE_URL is missing');
    expect(stderr).not.toContain('not-32-bytes');
  });

  it('with half a deployment: what belongs to DATABASE_URL is named', async () => {
    const { code, stderr } = await refused({ DATABASE_URL: around.database.runtimeUrl });
    expect(code).toBe(78);
    for (const name of ['DATABASE_CONTROL_URL', 'CONTEXT_KEYS', 'AUTH_ISSUER']) {
      expect(stderr).toContain(`${name} is missing: it is needed with DATABASE_URL`);
    }
  });

  it('as a superuser, and as a login past row-level security', async () => {
    const login = `bss_test_${randomBytes(6).toString('hex')}`;
    await around.database.admin(`create role ${login} login bypassrls password 'test-only'`);
    await around.database.admin(`grant connect on database ${around.database.name} to ${login}`);
    try {
      const bypassing = new URL(around.database.controlUrl);
      bypassing.username = login;
      const [superuser, bypass] = await Promise.all([
        refused({ ...around.environment, DATABASE_URL: around.database.adminUrl }),
        refused({ ...around.environment, DATABASE_CONTROL_URL: bypassing.href }),
      ]);
      expect([superuser.code, bypass.code]).toEqual([1, 1]);
      expect(superuser.stderr).toContain(
        'a superuser: row-level security would not hold. Use the login that `bss migrate` creates',
      );
      expect(bypass.stderr).toContain(`DATABASE_CONTROL_URL logs in as ${login}, which has BYPASSRLS`);
    } finally {
      await around.database.admin(`drop owned by ${login}`);
      await around.database.admin(`drop role ${login}`);
    }
  });

  it.each(['bss_app_00', 'bss_migrator'])(
    'on a database that may lose writes acknowledged to %s, except in tests',
    async (login) => {
      const { name, admin } = around.database;
      await admin(`alter role ${login} in database ${name} set synchronous_commit = off`);
      try {
        const { code, stderr } = await refused({ ...around.environment, NODE_ENV: 'development' });
        expect(code).toBe(1);
        expect(stderr).toContain('the database is not safe to use:');
        expect(stderr).toContain(
          'synchronous_commit is off: acknowledged writes could be lost in a crash. Set synchronous_commit = on.',
        );
        const { rows } = await admin('show fsync');
        if (rows[0].fsync === 'off') expect(stderr.split('  - fsync is off:').length).toBe(2);
      } finally {
        await admin(`alter role ${login} in database ${name} reset synchronous_commit`);
      }
    },
  );

  it('without the database, and on a port that is taken: it says which and why', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as AddressInfo;
    const absent = new URL(around.database.runtimeUrl);
    absent.pathname += '_that_is_not';
    const [gone, unknown, taken] = await Promise.all([
      refused({ ...around.environment, DATABASE_URL: 'postgres://bss_app_00:test-only@localhost:1/business_store' }),
      refused({ ...around.environment, DATABASE_URL: absent.href }),
      refused({ ...around.environment, PORT: String(port) }),
    ]);
    squatter.close();
    expect([gone.code, unknown.code, taken.code]).toEqual([1, 1, 1]);
    expect(gone.stderr).toMatch(/DATABASE_URL: cannot connect as bss_app_00 to localhost:1\/business_store: .*ECONNREFUSED/);
    expect(unknown.stderr).toMatch(/DATABASE_URL: cannot connect .*_that_is_not.* does not exist/);
    expect(taken.stderr).toContain(`port ${port} is taken. Stop what uses it, or choose another with PORT.`);
  });
});

describe('embedded mode', () => {
  const services: ChildService[] = [];
  const environment = (name: string, port = '0') => ({ DATA_DIR: join(folder, name), PORT: port });
  const start = async (name: string, port?: string) => {
    const service = await startChildService(environment(name, port));
    services.push(service);
    return service;
  };
  const status = async (service: ChildService, path: string, token: string) =>
    (await fetch(service.url + path, { headers: { authorization: `Bearer ${token}` } })).status;
  let first: ChildService;
  let second: ChildService;

  beforeAll(async () => {
    const port = await freePort();
    [first, second] = await Promise.all([start('first'), start('second', String(port))]);
    expect(second.url).toBe(`http://127.0.0.1:${port}`);
  });
  afterAll(async () => {
    const endings = await Promise.all(services.map((service) => service.stop()));
    expect(endings.map(({ code, stderr }) => [code, stderr])).toEqual(services.map(() => [0, '']));
  });

  it('refuses a data directory that is in use', async () => {
    const { code, stderr } = await failToStart(environment('first'));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/did not start: .*first is in use by another service, pid \d+/)]);
  });

  it('runs twice side by side, each with tenants and tokens of its own', async () => {
    const tokens = await Promise.all(['first', 'second'].map((name) => token(name, '--roles', 'system_admin')));
    const [mine, theirs] = tokens as [string, string];
    expect([await status(first, '/api/v1/tenants', mine), await status(second, '/api/v1/tenants', theirs)]).toEqual([200, 200]);
    expect([await status(first, '/api/v1/tenants', theirs), await status(second, '/api/v1/tenants', mine)]).toEqual([401, 401]);
  });

  it('prints one curl that works when pasted, and listens on loopback only', async () => {
    const curl = /^\s*(curl .+)$/m.exec(first.stdout)?.[1] as string;
    const { stdout } = await promisify(execFile)('sh', ['-c', `${curl} -w '\\n%{http_code}'`]);
    expect(stdout.trim()).toBe('{"items":[],"next":null}\n200');
    expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('says that it is below the security floor', () => {
    expect(first.stdout).toMatch(/"level":"warn".*SECURITY: Postgres [\d.]+ is below/);
  });

  it('prints the very command that makes a token, and the token alone', async () => {
    const printed = /npm run -s bss -- (token --tenant \S+ --roles admin)$/m.exec(first.stdout)?.[1] as string;
    const { code, stdout, stderr } = await bss(printed.split(' '), environment('first'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const tenant = printed.split(' ')[2];
    expect(await status(first, `/api/v1/tenants/${tenant}/audit`, stdout.trim())).toBe(200);
  });

  it('makes tokens that only its Auth Service can read, for its own service alone', async () => {
    const tenant = /token --tenant (\S+)/.exec(first.stdout)?.[1] as string;
    const args = ['--tenant', tenant, '--roles', 'auditor,clerk', '--subject', 'zoe', '--opaque'];
    const opaque = await token('first', ...args, '--claim', 'region=north', '--claim', 'level=3');
    expect(opaque).toMatch(/^[\w-]{43}$/);
    expect([await status(first, '/api/v1/session', opaque), await status(second, '/api/v1/session', opaque)]).toEqual([200, 401]);
    expect(await status(first, '/api/v1/session', `${opaque}x`)).toBe(401);
    const { code, stdout, stderr } = await bss(['token', ...args, '--claim', 'roles=["admin"]'], environment('first'));
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('The claim roles is not yours to set.')]);
    const session = await fetch(`${first.url}/api/v1/session`, { headers: { authorization: `Bearer ${opaque}` } });
    expect(await session.json()).toMatchObject({ subject: 'zoe', tenant: { id: tenant } });
  });

  it('ends at once on a second signal, and the next start adopts what it left', async () => {
    const third = await startChildService(environment('third'));
    third.signal('SIGTERM');
    await waitFor(() => third.stdout.includes('shutting down'));
    third.signal('SIGINT');
    expect((await third.ended).code).toBe(1);
    const again = await start('third');
    expect(again.stdout).toContain('Adopted the running');
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  });

  async function token(name: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await bss(['token', ...args], environment(name));
    expect([code, stderr]).toEqual([0, '']);
    return stdout.trim();
  }
});

describe('bss', () => {
  const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';

  it.each<[string, string[], RegExp, Record<string, string>?]>([
    ['a system admin in a tenant', ['--roles', 'system_admin', '--tenant', TENANT], /names no tenant/],
    ['a role of a tenant without one', ['--roles', 'viewer'], /names one/],
    [
      'what no role can be called',
      ['--roles', 'viewer,Root', '--tenant', TENANT],
      /no role can be called Root; every tenant has viewer/,
    ],
    [
      'a claim that is taken',
      ['--roles', 'viewer', '--tenant', TENANT, '--claim', 'sub=root'],
      /The claim sub is not yours to set/,
    ],
    [
      'a claim without a value',
      ['--roles', 'viewer', '--tenant', TENANT, '--claim', 'region'],
      /--claim.*must be a name and a value/s,
    ],
    [
      'an opaque token where no service runs',
      ['--roles', 'viewer', '--tenant', TENANT, '--opaque'],
      /no service runs on .*tokens: opaque tokens are kept by the process of npm start/,
    ],
    ['no role', ['--tenant', TENANT], /--roles/],
    ['a tenant that is no id', ['--roles', 'viewer', '--tenant', 'acme'], /--tenant.*must be the id of a tenant/s],
    ['no lifetime', ['--roles', 'viewer', '--tenant', TENANT, '--expires', '0'], /whole number of seconds/],
    [
      'your own Auth Service',
      ['--roles', 'system_admin'],
      /serves embedded mode only/,
      { AUTH_ISSUER: 'x', AUTH_JWKS_URL: 'http://x' },
    ],
    ['production', ['--roles', 'system_admin'], /NODE_ENV is production/, { NODE_ENV: 'production' }],
  ])('token refuses %s, on stderr and with exit code 1', async (_name, args, reason, settings = {}) => {
    const { code, stdout, stderr } = await bss(['token', ...args], { DATA_DIR: join(folder, 'tokens'), ...settings });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(reason);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it('token refuses a deployment, whose tokens are not ours to make', async () => {
    const { code, stdout, stderr } = await bss(['token', '--roles', 'system_admin'], around.environment);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('serves embedded mode only')]);
  });

  it('tells what it can do', async () => {
    const [help, nothing, unknown, settings] = await Promise.all([bss(['--help']), bss([]), bss(['fly']), bss(['settings'])]);
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/Usage: bss[\s\S]*migrate[\s\S]*token[\s\S]*demo/)]);
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('Usage: bss')]);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("unknown command 'fly'")]);
    expect([settings.code, settings.stdout]).toEqual([0, expect.stringMatching(/^PORT=3000$/m)]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

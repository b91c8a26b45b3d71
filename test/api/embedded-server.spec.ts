import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import pg from 'pg';
import { type EmbeddedServer, startEmbeddedServer } from '../../src/database/embedded/embedded-server.js';

/**
 * The embedded server through everything that happens to a developer's machine. One cluster for the whole file, and the
 * prefix of the harness: should this run be killed, the next one cleans up.
 */
describe('embedded Postgres', () => {
  let dataDir: string;
  let server: EmbeddedServer | undefined;
  let service: ChildProcess | undefined;
  const logged: string[] = [];
  const file = (name: string) => path.join(dataDir, name);
  const start = async (durable = false) => {
    server = await startEmbeddedServer({ dataDir, durable, onLog: (line) => logged.push(line) });
    return server;
  };
  const postmaster = async () => Number((await readFile(file('postgres/postmaster.pid'), 'utf8')).split('\n')[0]);

  /** A service of its own process, as `npm start` would be; resolves once its server is up. It does not outlive the tests. */
  const startElsewhere = async () => {
    const script = `
      process.stdin.resume().on('end', () => process.exit());
      require(${JSON.stringify(path.resolve('test/harness/typescript-hook.cjs'))});
      const { startEmbeddedServer } = require(${JSON.stringify(path.resolve('src/database/embedded/embedded-server.ts'))});
      startEmbeddedServer({ dataDir: process.argv[1], durable: false }).then(
        () => console.log('up'),
        (error) => { console.log(error.message); process.exit(1); });`;
    service = spawn(process.execPath, ['-e', script, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [output] = await once(service.stdout!.setEncoding('utf8'), 'data');
    expect(output).toBe('up\n');
    return service;
  };
  const killService = async (child: ChildProcess) => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  beforeAll(async () => {
    dataDir = await realpath(await mkdtemp(path.join(tmpdir(), 'business-store-test-')));
  });
  afterEach(async () => {
    if (service?.exitCode === null && service.signalCode === null) await killService(service);
    await server?.stop();
    server = undefined;
  });
  afterAll(async () => {
    await (await start()).stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('refuses a data directory in use by another service, and lets that one work on', async () => {
    const other = await startElsewhere();
    await expect(start()).rejects.toThrow(`is in use by another service, pid ${other.pid}, since `);
    expect(other.exitCode).toBeNull();
  });

  it('refuses a running server that does not know our password', async () => {
    await killService(await startElsewhere());
    const right = await readFile(file('credentials.json'), 'utf8');
    await writeFile(file('credentials.json'), JSON.stringify({ ...JSON.parse(right), password: 'wrong' }));
    const pid = await postmaster();
    await expect(start()).rejects.toThrow(
      new RegExp(`\\(pid ${pid}, port \\d+\\), but it refuses the password in credentials.json`),
    );
    await writeFile(file('credentials.json'), right);
    expect((await start()).adopted).toBe(true);
  });

  it('refuses a cluster whose password is lost, and damaged credentials', async () => {
    await (await start()).stop();
    await rename(file('credentials.json'), file('credentials.away'));
    await expect(start()).rejects.toThrow('credentials.json with its password is missing');
    await writeFile(file('credentials.json'), '{"password":');
    await expect(start()).rejects.toThrow('credentials.json is damaged');
    await rename(file('credentials.away'), file('credentials.json'));
  });

  it('refuses logins without the password, and listens on loopback only', async () => {
    const { adminUrl } = await start();
    const stranger = new URL(adminUrl);
    stranger.password = 'guessed';
    const client = new pg.Client({ connectionString: stranger.href });
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
    const { rows } = await query(
      adminUrl,
      `select current_setting('listen_addresses') as addresses,
              current_setting('unix_socket_directories') as sockets,
              (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) as methods`,
    );
    expect(rows).toEqual([{ addresses: '127.0.0.1', sockets: '', methods: 'scram-sha-256' }]);
    expect((await stat(file('credentials.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(file('postgres.log'))).mode & 0o777).toBe(0o600);
  });

  it('keeps statements and values out of its log', async () => {
    const { adminUrl } = await start();
    await query(adminUrl, 'create table if not exists people (email text primary key)');
    await query(adminUrl, `insert into people values ('secret@example.org') on conflict do nothing`);
    await expect(query(adminUrl, `insert into people values ('secret@example.org')`)).rejects.toMatchObject({ code: '23505' });
    const log = await readFile(file('postgres.log'), 'utf8');
    expect(log).toContain('duplicate key value');
    expect(log).not.toContain('secret@example.org');
  });

  it('is a Unicode database in UTC, whatever the environment of the service says', async () => {
    process.env.PGDATA = '/nowhere';
    process.env.PGSSLMODE = 'require';
    process.env.TZ = 'Asia/Tokyo';
    try {
      const { adminUrl } = await start();
      const { rows } = await query(
        adminUrl,
        `select datlocprovider, datlocale, pg_encoding_to_char(encoding) as encoding, lower('ÀÉÎ') as lower,
                to_tsvector('simple', '“größe”') @@ 'größe'::tsquery as words,
                (select reset_val from pg_settings where name = 'TimeZone') as zone
           from pg_database where datname = 'template1'`,
      );
      expect(rows).toEqual([
        { datlocprovider: 'b', datlocale: 'C.UTF-8', encoding: 'UTF8', lower: 'àéî', words: true, zone: 'UTC' },
      ]);
    } finally {
      for (const name of ['PGDATA', 'PGSSLMODE', 'TZ']) delete process.env[name];
    }
  });

  it('adopts the server of a service that was killed, and stops it like its own', async () => {
    await killService(await startElsewhere());
    const pid = await postmaster();
    const adopted = await start();
    expect(adopted.adopted).toBe(true);
    expect(await postmaster()).toBe(pid);
    await adopted.stop();
    expect(existsSync(file('postgres/postmaster.pid'))).toBe(false);
  });

  it('recovers from a killed server, keeping what was committed', async () => {
    const { adminUrl } = await start(true);
    await query(adminUrl, 'drop table if exists kept');
    await query(adminUrl, 'create table kept as select 42 as answer');
    process.kill(await postmaster(), 'SIGKILL');
    await server?.stop();
    const again = await start();
    expect(again.adopted).toBe(false);
    expect(again.adminUrl).toBe(adminUrl);
    expect((await query(adminUrl, 'select answer from kept')).rows).toEqual([{ answer: 42 }]);
  });

  it.each([
    ['names a process that is not Postgres', `${process.pid}\n/elsewhere\n1700000000\n5432\n\n127.0.0.1\n\nready   \n`],
    ['was torn by a power loss', ''],
  ])('starts over a postmaster.pid that %s', async (_name, text) => {
    await (await start()).stop();
    await writeFile(file('postgres/postmaster.pid'), text);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(file('postgres/postmaster.pid'), longAgo, longAgo);
    expect((await start()).adopted).toBe(false);
  });

  it('makes the cluster anew after a first start that was interrupted', async () => {
    await (await start()).stop();
    await rename(file('postgres'), file('postgres.new'));
    await start();
    expect((await readdir(dataDir)).sort()).toEqual(['credentials.json', 'postgres', 'postgres.log', 'service.lock']);
  });

  it('moves to another port when somebody took its own, and remembers', async () => {
    const before = await start();
    const { port } = new URL(before.adminUrl);
    await before.stop();
    const squatter = createServer().listen(Number(port), '127.0.0.1');
    await once(squatter, 'listening');
    const moved = await start();
    expect(new URL(moved.adminUrl).port).not.toBe(port);
    await moved.stop();
    squatter.close();
    expect((await start()).adminUrl).toBe(moved.adminUrl);
  });

  it('never logs the password', async () => {
    const { password } = JSON.parse(await readFile(file('credentials.json'), 'utf8')) as { password: string };
    expect(logged.length).toBeGreaterThan(10);
    expect(logged.join('\n')).not.toContain(password);
    expect(await readFile(file('postgres.log'), 'utf8')).not.toContain(password);
  });
});

async function query(adminUrl: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: adminUrl });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

/** SIGTERM under load: what is in flight is answered, clients are moved on, and the process ends in time with 0. */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { withClient } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { runClients, send } from '../harness/keep-alive-client.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

const LONGEST_DRAIN_MS = 10_000;

let around: Surroundings;
let tenant: TestTenant;
let token: string;
const services: ChildService[] = [];
let unlock = async (): Promise<void> => {};

beforeAll(async () => {
  around = await createSurroundings();
  const service = await start();
  tenant = await apiOf(service.url, around.token).tenant();
  token = await around.token(['admin'], tenant.id);
  const { define } = tenant;
  await define('note', { type: 'object', properties: { title: { type: 'string' }, by: { type: 'string' } } });
  await service.stop();
});

afterEach(async () => {
  await unlock();
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

afterAll(() => around.stop());

describe('a rolling restart of two instances', () => {
  it('fails not one of the requests that clients keep sending, and loses not one of their records', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    const ending = new AbortController();
    let created = 0;
    // 10 clients, one request each 50 ms: 200 a second. A quarter of them write.
    const load = runClients(10, [first.url, second.url], {
      token,
      pause: 50,
      signal: ending.signal,
      next: (client) =>
        client % 4 === 0
          ? { method: 'POST', path: path('/note'), body: JSON.stringify({ title: `${++created}`, by: 'load' }) }
          : { method: 'GET', path: path(`/note?by=eq.load&limit=5`) },
    });
    await eventually(() => [first, second].every(({ url }) => (load.answered.get(url) ?? 0) >= 50));
    const left = await stopped(first);
    const third = await start();
    await eventually(() => (load.answered.get(second.url) ?? 0) >= 200);
    ending.abort();
    await load.ended;

    expect(load.failures).toEqual([]);
    expect(left).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(left.milliseconds).toBeLessThan(LONGEST_DRAIN_MS);
    const { body } = await send(undefined, third.url + path('/note?by=eq.load&select=title&limit=1000'), {
      method: 'GET',
      token,
    });
    expect((JSON.parse(body) as unknown[]).length).toBe(created);
  });
});

describe('after SIGTERM', () => {
  it('a slow request in flight is answered and committed; new ones meanwhile are told to close; then nobody listens', async () => {
    const service = await start({ DRAIN_MS: '2000' });
    await lockNotes();
    const slow = send(undefined, service.url + path('/note'), { method: 'POST', token, body: '{"title":"slow"}' });
    await eventually(blocked);
    const ended = stopped(service);
    await eventually(() => service.stdout.includes('shutting down'));
    const readiness = await fetch(`${service.url}/readyz`);
    expect([readiness.status, (await readiness.json()).checks.process]).toEqual([503, 'the service is shutting down']);
    const meanwhile = await send(undefined, `${service.url}/api/v1/session`, { method: 'GET', token });
    expect(meanwhile).toMatchObject({ status: 200, close: true });
    await eventually(async () => {
      const answer = fetch(`${service.url}/healthz`).then(() => 'answered');
      return (await answer.catch((error) => error.cause.code)) === 'ECONNREFUSED';
    });
    await unlock();
    expect((await slow).status).toBe(201);
    expect((await ended).code).toBe(0);
    const { rows } = await around.database.admin(`select from "${tenant.schemaName}".note where title = 'slow'`);
    expect(rows.length).toBe(1);
  });

  it('a client that never ends its request, a silent one, and a statement that never ends do not keep it for ever', async () => {
    const [dawdling, stuck] = await Promise.all([start(), start({ STATEMENT_TIMEOUT_MS: '60000' })]);
    const { hostname, port } = new URL(dawdling.url);
    const head = `POST ${path('/note')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    const sockets = [`${head}Content-Length: 1000\r\n\r\n{"title":`, head, ''].map((text) => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on('error', () => {});
      socket.write(text);
      return socket;
    });
    await lockNotes();
    const waiting = send(undefined, stuck.url + path('/note'), { method: 'POST', token, body: '{"title":"stuck"}' });
    const cut = expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually(blocked);
    await wait(300);

    const [first, second] = await Promise.all([stopped(dawdling), stopped(stuck)]);
    await Promise.all([cut, unlock()]);
    for (const socket of sockets) socket.destroy();
    expect(first.code).toBe(0);
    // Something was left behind, and it says so.
    expect([second.code, second.stdout]).toEqual([1, expect.stringContaining('something did not close in time')]);
    for (const { milliseconds } of [first, second]) expect(milliseconds).toBeLessThan(LONGEST_DRAIN_MS);
  });

  it('a second signal ends it at once', async () => {
    const service = await start({ DRAIN_MS: '60000' });
    service.signal('SIGTERM');
    await eventually(() => service.stdout.includes('shutting down'));
    const started = performance.now();
    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('SIGINT does the same as SIGTERM', async () => {
    const service = await start();
    service.signal('SIGINT');
    expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

function path(rest: string): string {
  return `/api/v1/tenants/${tenant.id}/records${rest}`;
}

async function start(settings: Record<string, string> = {}): Promise<ChildService> {
  const service = await startChildService({ ...around.environment, DRAIN_MS: '500', ...settings });
  services.push(service);
  return service;
}

/** SIGTERM, and how it ended. */
async function stopped(service: ChildService) {
  const started = performance.now();
  service.signal('SIGTERM');
  return { ...(await service.ended), milliseconds: performance.now() - started };
}

/** A statement of the service waits for a lock. */
async function blocked(): Promise<boolean> {
  const { rows } = await around.database.admin(
    'select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())',
  );
  return rows.length > 0;
}

/** Nobody can write notes until `unlock`. */
async function lockNotes(): Promise<void> {
  let release = (): void => {};
  await new Promise<void>((locked, failed) => {
    const done = withClient(around.database.adminUrl, async (client) => {
      await client.query(`begin; lock table "${tenant.schemaName}".note in exclusive mode`);
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      locked();
      await released;
      await client.query('rollback');
    });
    done.catch(failed);
    unlock = () => {
      release();
      return done;
    };
  });
}

/** Clients that send slowly or do not read: whatever they hold, it is their own connection, and not for ever. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../harness/eventually.js';
import { problemType } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { lockTable } from '../harness/table-lock.js';

const POOL_SIZE = 2;
const ANSWER_TIMEOUT_MS = 1_000;
/** More than the buffers of both ends take. */
const ROWS = 600;
const TEXT = 'x'.repeat(24_000);

let test: TestService;
let tenant: TestTenant;
let token: string;
let path: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  test = await startTestService({
    DATABASE_POOL_SIZE: String(POOL_SIZE),
    TENANT_POOL_SHARE: '100',
    REQUEST_TIMEOUT_MS: '1500',
    ANSWER_TIMEOUT_MS: String(ANSWER_TIMEOUT_MS),
  });
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
  path = `/api/v1/tenants/${tenant.id}/records/page`;
  await tenant.define('page', { type: 'object', properties: { text: { type: 'string' } } });
  for (let n = 0; n < ROWS; n += 300) {
    const rows = Array.from({ length: 300 }, () => ({ text: TEXT }));
    const stored = await test.request(token, 'post', path).set('prefer', 'return=minimal').send(rows);
    if (stored.status !== 201) throw new Error(`${stored.status} ${stored.text}`);
  }
});

afterAll(() => test.stop());

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(test.service.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  // It may be reset while something is still being sent: what counts is what came before.
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side closes. */
function untilClosed(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => socket.on('close', () => resolve(Buffer.concat(chunks))));
}

/** One byte after the other, for as long as the connection stands. */
function trickle(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 50);
  socket.on('close', () => clearInterval(timer));
}

function head(method: string, more = ''): string {
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${more}`;
}

/** Status and problem of an answer in bytes. */
function answerOf(bytes: Buffer): string {
  const [headers = '', body = ''] = bytes.toString().split('\r\n\r\n');
  const type = /^content-type: *(.*)$/im.exec(headers)?.[1] ?? '';
  return `${/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1]} ${problemType(type, body)}`;
}

/** Somebody who is none of them. */
const read = async () => (await test.request(token, 'get', `${path}?limit=1`)).status;
const load = () => test.service.pool.load;

describe('is closed with a problem:', () => {
  const JSON_BODY = 'Content-Type: application/json\r\n';

  it.each<[string, (socket: Socket) => void]>([
    ['a client that says nothing', () => {}],
    ['headers that stop', (socket) => socket.write(head('GET'))],
    ['headers that trickle', (socket) => trickle(socket, head('GET', `X-Long: ${'x'.repeat(10_000)}`))],
    ['a body that does not come', (socket) => socket.write(head('POST', `${JSON_BODY}Content-Length: 100\r\n\r\n`))],
    [
      'a body that stops',
      (socket) => socket.write(`${head('POST', `${JSON_BODY}Content-Length: 100000\r\n\r\n`)}[{"text":"${'x'.repeat(50_000)}`),
    ],
    [
      'a body that trickles',
      (socket) => {
        socket.write(head('POST', `${JSON_BODY}Content-Length: 100000\r\n\r\n`));
        trickle(socket, `[${' '.repeat(100_000)}`);
      },
    ],
    [
      'a body in chunks that trickle',
      (socket) => {
        socket.write(head('POST', `${JSON_BODY}Transfer-Encoding: chunked\r\n\r\n`));
        trickle(socket, '1\r\n \r\n');
      },
    ],
  ])('%s', async (_, speak) => {
    const many = await Promise.all(Array.from({ length: 40 }, open));
    const ends = many.map(untilClosed);
    many.forEach(speak);
    // Meanwhile they hold nothing that others need.
    for (let n = 0; n < 20; n++) expect([await read(), load().waiting]).toEqual([200, 0]);
    const answers = (await Promise.all(ends)).map(answerOf);
    expect(new Set(answers)).toEqual(new Set(['408 request/timeout']));
  });
});

it('an answer that nobody reads holds no connection to the database, and is given up', async () => {
  const count = 3 * POOL_SIZE;
  const many = await Promise.all(Array.from({ length: count }, open));
  for (const socket of many) {
    socket.pause();
    socket.write(head('GET', '\r\n'));
  }
  // Each has begun to come, so each was read to its end and committed.
  await Promise.all(many.map((socket) => once(socket, 'readable')));
  await eventually(() => load().total === load().idle);
  for (let n = 0; n < 20; n++) expect(await read()).toBe(200);
  const { rows } = await test.database.admin(
    `select count(*)::int as open from pg_stat_activity where usename = 'bss_app_00' and datname = $1 and state <> 'idle'`,
    [test.database.name],
  );
  expect(rows).toEqual([{ open: 0 }]);

  await wait(3 * ANSWER_TIMEOUT_MS);
  const received = await Promise.all(
    many.map((socket) => {
      const rest = untilClosed(socket);
      socket.resume();
      return rest;
    }),
  );
  for (const bytes of received) {
    const announced = Number(/content-length: (\d+)/i.exec(bytes.subarray(0, 2_000).toString())?.[1]);
    expect(announced).toBeGreaterThan(ROWS * TEXT.length);
    expect(bytes.length).toBeLessThan(announced);
  }
});

it('so is a row of small answers that nobody reads', async () => {
  const socket = await open();
  socket.pause();
  const one = `GET ${path}?limit=40 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  socket.write(one.repeat(60));
  await once(socket, 'readable');
  await wait(3 * ANSWER_TIMEOUT_MS);
  const rest = untilClosed(socket);
  socket.resume();
  expect((await rest).toString().split('HTTP/1.1 200').length).toBeLessThan(60);
  await eventually(() => load().total === load().idle);
});

it('who reads slowly gets it all, however long it takes', async () => {
  const socket = await open();
  socket.write(head('GET', 'Connection: close\r\n\r\n'));
  let bytes = 0;
  let start = '';
  let meal = 0;
  socket.on('data', (chunk: Buffer) => {
    if (start === '') start = chunk.subarray(0, 2_000).toString();
    bytes += chunk.length;
    meal += chunk.length;
    if (meal < 1_000_000) return;
    // A quarter of the time it may take nothing for, a dozen times.
    meal = 0;
    socket.pause();
    setTimeout(() => socket.resume(), ANSWER_TIMEOUT_MS / 4);
  });
  await once(socket, 'end');
  const announced = Number(/content-length: (\d+)/i.exec(start)?.[1]);
  expect(bytes).toBe(start.indexOf('\r\n\r\n') + 4 + announced);
});

it('who waits for a slow statement is not cut off', async () => {
  const unlock = await lockTable(test.database, tenant.schemaName, 'page');
  const answer = read();
  await wait(3 * ANSWER_TIMEOUT_MS);
  await unlock();
  expect(await answer).toBe(200);
});

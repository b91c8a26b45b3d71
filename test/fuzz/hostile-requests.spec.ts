/** Requests that no client would send: whatever arrives, the answer is no fault of ours, says what is wrong, and quotes nobody. */

import { connect } from 'node:net';
import fc from 'fast-check';
import { problemType } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { type HostileRequest, hostileRequest } from './request-arbitrary.js';

let test: TestService;
let tenant: TestTenant;
let token: string;
let recordId: string;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
  await tenant.define('item', {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 20, unique: true },
      count: { type: ['integer', 'null'] },
      price: { type: 'string', format: 'decimal', precision: 8, scale: 2 },
      at: { type: 'string', format: 'date-time' },
      ref: { type: 'string', format: 'uuid', relation: { entity: 'item' } },
      data: {},
    },
  });
  recordId = (await (await tenant.as())('post', '/records/item').send({ name: 'first' })).body.id;
});

afterAll(() => test.stop());

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Bytes as they are, on a connection of their own. */
function send(bytes: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(test.service.url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const text = Buffer.concat(chunks)
        .toString()
        .replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, '');
      const [head = '', ...rest] = text.split('\r\n\r\n');
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
      const contentType = /^content-type: *(.*)$/im.exec(head)?.[1] ?? '';
      if (!status) reject(new Error(`no HTTP answer: ${text.slice(0, 200)}`));
      else resolve({ status, contentType, body: rest.join('\r\n\r\n') });
    });
  });
}

/** Latin-1, as HTTP has it: one byte for each character, so that any byte can be sent. */
function bytesOf({ method, target, headers, body }: HostileRequest): Buffer {
  const given = new Map(headers.map(([name, value]) => [name.toLowerCase(), [name, value] as const]));
  const standard: [string, string][] = [
    ['Host', 'store.test'],
    ['Connection', 'close'],
    ['Authorization', `Bearer ${token}`],
    ...(body
      ? ([
          ['Content-Type', 'application/json'],
          ['Content-Length', String(body.length)],
        ] as [string, string][])
      : []),
  ];
  const all = [...standard.filter(([name]) => !given.has(name.toLowerCase())), ...given.values()];
  const head = [`${method} ${target} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)]);
}

function expectHarmless({ method }: Pick<HostileRequest, 'method'>, reply: Reply): void {
  if (reply.status >= 500) throw new Error(`${reply.status}: ${reply.body}`);
  // HEAD has no body, whatever the answer.
  if (reply.status >= 400 && method !== 'HEAD') problemType(reply.contentType, reply.body);
}

describe('a hostile request', () => {
  it('is answered with a problem of the catalog, or with success, never with a fault of ours', async () => {
    const statuses = new Map<number, number>();
    const property = fc.asyncProperty(
      fc.array(hostileRequest(tenant.id, recordId), { minLength: 8, maxLength: 8 }),
      async (requests) => {
        await Promise.all(
          requests.map(async (each) => {
            const reply = await send(bytesOf(each));
            statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
            expectHarmless(each, reply);
          }),
        );
      },
    );
    await fc.assert(property, { numRuns: 150, interruptAfterTimeLimit: 25_000 });
    // Refused at every stage, and sometimes not at all: a fuzzer that only meets the door proves nothing.
    for (const status of [200, 400, 401, 404, 415]) expect([status, (statuses.get(status) ?? 0) > 3]).toEqual([status, true]);
    expect((await (await tenant.as())('get', '/records/item')).status).toBe(200);
  }, 60_000);

  const list = () => `/api/v1/tenants/${tenant.id}/records/item`;
  const raw = (text: string) => Buffer.from(text.replaceAll('LIST', list()).replaceAll('TOKEN', token), 'latin1');

  it.each<[string, string, number]>([
    ['NUL in a header', 'GET LIST HTTP/1.1\r\nHost: a\r\nPrefer: a\0b\r\n\r\n', 400],
    ['NUL in the name of a header', 'GET LIST HTTP/1.1\r\nHost: a\r\nPre\0fer: a\r\n\r\n', 400],
    ['NUL in the path', 'GET LIST\0x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a method nobody knows', 'FROB LIST HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['another protocol', 'HELLO\r\n\r\n', 400],
    ['no host', 'GET LIST HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a header of 40 KB', `GET LIST HTTP/1.1\r\nHost: a\r\nPrefer: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['a path of 40 KB', `GET LIST?name=${'x'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    ['two lengths', 'POST LIST HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
    [
      'a length and chunks',
      'POST LIST HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a folded header', 'GET LIST HTTP/1.1\r\nHost: a\r\nPrefer: a\r\n b\r\n\r\n', 400],
    [
      'a chunk of no size',
      'POST LIST HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
      400,
    ],
  ])('that is not even HTTP is refused as a problem: %s', async (_, text, status) => {
    const reply = await send(raw(text));
    expect([reply.status, problemType(reply.contentType, reply.body)]).toEqual([status, expect.stringMatching(/^request\//)]);
  });

  it.each<[string, string, string]>([
    ['of a stranger', 'Content-Length: 15000000', '401 auth/missing-credentials'],
    ['of a forger, in chunks', 'Authorization: Bearer a.b.c\r\nTransfer-Encoding: chunked', '401 auth/invalid-token'],
    ['of 1 GB', 'Authorization: Bearer TOKEN\r\nContent-Length: 1000000000', '413 request/too-large'],
    [
      'of 100 MB, compressed',
      'Authorization: Bearer TOKEN\r\nContent-Encoding: gzip\r\nContent-Length: 100000000',
      '415 request/unsupported-media-type',
    ],
  ])('is refused before its body is read: one %s', async (_, headers, answer) => {
    const reply = await send(
      raw(`POST LIST HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`),
    );
    expect(`${reply.status} ${problemType(reply.contentType, reply.body)}`).toBe(answer);
  });

  it('is refused at the limit when its body has no end', async () => {
    const chunk = `100000\r\n${' '.repeat(1 << 20)}\r\n`;
    const head =
      'POST LIST HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer TOKEN\r\nTransfer-Encoding: chunked\r\n\r\n';
    const reply = await send(raw(head + chunk.repeat(17)));
    expect(`${reply.status} ${problemType(reply.contentType, reply.body)}`).toBe('413 request/too-large');
  });
});

/** What the answers of a key service mean, and what they may not do. */

import { inspect } from 'node:util';
import type { JsonObject } from '../../platform/json-value.js';
import { KeyHttp } from './key-http.js';
import { type KeyReply, KeyServer } from './key-server.fixture.js';

const SECRET = 'secret-of-the-client';

let server: KeyServer;
let http: KeyHttp;
let reply: KeyReply | null;

const clientOf = (url: string) =>
  new KeyHttp({ service: 'the key service', url, headers: { authorization: SECRET }, timeoutMs: 300 });
const asked = () => http.ask('POST', '/keys/one', { plaintext: 'cGxhaW4=' });

beforeEach(async () => {
  reply = { status: 200, body: {} };
  server = await KeyServer.start(() => reply ?? new Promise(() => {}));
  http = clientOf(`${server.url}/base/`);
});
afterEach(async () => {
  await http.close();
  await server.stop();
});

describe('requests to a key service', () => {
  it.each([
    'http://keys.example.com',
    'http://10.0.0.1:8200',
    'http://localhost.example.com',
    'ftp://localhost',
    'https://user:secret@keys.example.com',
    'https://keys.example.com?tenant=x',
    'keys.example.com',
    '',
  ])('are not sent to %j', (url) => {
    expect(() => clientOf(url)).toThrow(/^the address of the key service has to be/);
  });

  it.each(['https://keys.example.com', 'https://keys.example.com:8443/v2/', 'http://localhost:8200', 'http://[::1]:8200'])(
    'may be sent to %s',
    (url) => {
      expect(() => clientOf(url)).not.toThrow();
    },
  );

  it.each<[number, string]>([
    [401, 'denied'],
    [403, 'denied'],
    [408, 'unavailable'],
    [412, 'unavailable'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [302, 'unavailable'],
    [307, 'unavailable'],
  ])('find in an answer of %i a fault of kind %s, and go nowhere else', async (status, kind) => {
    reply = { status, body: { error: SECRET }, headers: { location: `${server.url}/elsewhere` } };
    await expect(asked()).rejects.toMatchObject({ name: 'KeyFault', kind, message: `the key service answered ${status}` });
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['a page', '<html>'],
    ['a list', '[{}]'],
    ['half an object', '{"wrapped":"AA'],
    ['a member twice', '{"wrapped":"AA==","wrapped":"AQ=="}'],
    ['an object without end', `{"wrapped":"${'A'.repeat(65_536)}"}`],
  ])('find no integrity in %s', async (_name, body) => {
    reply = { status: 200, body };
    await expect(asked()).rejects.toMatchObject({ kind: 'integrity' });
  });

  it('find no integrity in what is not UTF-8', async () => {
    reply = { status: 200, body: Buffer.from('{"wrapped":"\xff"}', 'latin1') };
    await expect(asked()).rejects.toMatchObject({ kind: 'integrity' });
  });

  it.each<[string, unknown]>([
    ['no member', undefined],
    ['a number', 7],
    ['no base64', 'AA!='],
    ['base64 for addresses', '-_-_'],
    ['base64 cut off', 'AAA'],
    ['a byte too few', Buffer.alloc(31).toString('base64')],
    ['a byte too many', Buffer.alloc(33).toString('base64')],
  ])('find no 32 bytes in %s', (_name, plaintext) => {
    const body: JsonObject = plaintext === undefined ? {} : { plaintext: plaintext as string };
    expect(() => http.bytes({ status: 200, body }, 'plaintext', 32)).toThrow(expect.objectContaining({ kind: 'integrity' }));
  });

  it('end when there is no answer in time, or nobody', async () => {
    reply = null;
    await expect(asked()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('within 300 ms') });
    await server.stop();
    await expect(asked()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('(ECONNREFUSED)') });
  });

  it('show neither what they are sent with, nor what is answered', async () => {
    reply = { status: 500, body: { error: SECRET } };
    const fault = await asked().catch((error: unknown) => error);
    expect(inspect([http, fault], { depth: 10, showHidden: true })).not.toContain(SECRET);
  });

  it('carry what they are told, and bring back an object, nothing, or a refusal', async () => {
    reply = { status: 200, body: { wrapped: 'AA==' } };
    await expect(asked()).resolves.toEqual({ status: 200, body: { wrapped: 'AA==' } });
    reply = { status: 204 };
    await expect(asked()).resolves.toEqual({ status: 204, body: null });
    reply = { status: 404, body: '<html>' };
    await expect(http.ask('DELETE', '/keys/one')).resolves.toEqual({ status: 404, body: null });
    const [first] = server.requests;
    expect(first).toMatchObject({ method: 'POST', path: '/base/keys/one', text: '{"plaintext":"cGxhaW4="}' });
    expect(first?.headers).toMatchObject({ authorization: SECRET, 'content-type': 'application/json' });
  });
});

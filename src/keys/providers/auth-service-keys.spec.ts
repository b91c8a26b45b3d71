/** The client of the key interface, against the development Auth Service's side of it, and against a server that answers as it likes. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { KeyContext } from '../key-provider.js';
import { AuthServiceKeys } from './auth-service-keys.js';
import { DevelopmentKeyService } from './development-key-service.js';
import { KeyServer } from './key-server.fixture.js';
import { LocalKeyring } from './local-keyring.js';

const ACME = '0190f3c0-7a1e-7c3b-8f00-000000000001';
const GLOBEX = '0190f3c0-7a1e-7c3b-8f00-000000000002';
const CONTEXT: KeyContext = { tenantId: ACME, purpose: 'encrypt', version: 1 };
const SECRET = 'secret:of the client';

let folder: string;
let server: KeyServer;
let keys: AuthServiceKeys;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth-service-keys-'));
  const service = new DevelopmentKeyService(new LocalKeyring(join(folder, 'keyring.jsonl')));
  server = await KeyServer.start(({ method, path, text }) => service.answer(method, path, text));
  keys = new AuthServiceKeys({ url: server.url, clientId: 'business-store', clientSecret: SECRET });
});
afterEach(async () => {
  await keys.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Every question that may be asked of a key. */
const questions = (): [string, () => Promise<unknown>][] => [
  ['createKey', () => keys.createKey(ACME)],
  ['wrap', () => keys.wrap('one/key', CONTEXT, randomBytes(32))],
  ['unwrap', () => keys.unwrap('one/key', CONTEXT, randomBytes(65))],
  ['rotateKey', () => keys.rotateKey('one/key')],
];

describe('the keys of the Auth Service', () => {
  it.each<[string, Partial<KeyContext>]>([
    ['another purpose', { purpose: 'index' }],
    ['another version', { version: 2 }],
    ['another tenant', { tenantId: GLOBEX }],
  ])('do not open for %s what they wrapped', async (_name, other) => {
    const ref = await keys.createKey(ACME);
    const globex = await keys.createKey(GLOBEX);
    const wrapped = await keys.wrap(ref, CONTEXT, randomBytes(32));
    for (const anyRef of [ref, globex]) {
      await expect(keys.unwrap(anyRef, { ...CONTEXT, ...other }, wrapped)).rejects.toMatchObject({ kind: 'integrity' });
    }
    await expect(keys.unwrap(globex, CONTEXT, wrapped)).rejects.toMatchObject({ kind: 'integrity' });
    await expect(keys.unwrap(ref, CONTEXT, wrapped.subarray(1))).rejects.toMatchObject({ kind: 'integrity' });
  });

  it.each<[string, number, string, object | string]>([
    ['an answer of 410', 410, 'destroyed', ''],
    ['a key that it does not know', 404, 'destroyed', { error: 'unknown_key' }],
    ['a page that is not there', 404, 'unavailable', '<html>'],
    ['an interface that is not there', 404, 'unavailable', { error: 'not_found' }],
    ['too many questions', 429, 'unavailable', {}],
    ['a server that is down', 502, 'unavailable', '<html>'],
    ['a client it does not know', 401, 'denied', { error: 'invalid_client' }],
    ['a client that may not', 403, 'denied', {}],
    ['what was not wrapped so', 422, 'integrity', { error: 'integrity' }],
    ['a request it does not understand', 400, 'integrity', { error: 'invalid_request' }],
    ['a page in place of an answer', 200, 'integrity', '<html>'],
  ])('find in %s (%i) a fault of kind %s', async (_name, status, kind, body) => {
    server.answer = () => ({ status, body });
    for (const [_question, ask] of questions()) await expect(ask()).rejects.toMatchObject({ name: 'KeyFault', kind });
  });

  it('take nothing for an answer that lacks what was asked for', async () => {
    server.answer = () => ({ status: 200, body: { key: '', wrapped: '', plaintext: randomBytes(31).toString('base64') } });
    for (const [name, ask] of questions()) {
      if (name !== 'rotateKey') await expect(ask()).rejects.toMatchObject({ kind: 'integrity' });
    }
    await expect(keys.destroyKey('one')).rejects.toMatchObject({ kind: 'integrity' });
    server.answer = () => ({ status: 200, body: { key: 'k'.repeat(2_049), wrapped: randomBytes(4_097).toString('base64') } });
    await expect(keys.createKey(ACME)).rejects.toMatchObject({ kind: 'integrity' });
    await expect(keys.wrap('one', CONTEXT, randomBytes(32))).rejects.toMatchObject({ kind: 'integrity' });
  });

  it.each(['', '.', '..'])('are never asked for by the name %j, which would be another path', async (ref) => {
    await expect(keys.destroyKey(ref)).rejects.toMatchObject({ kind: 'integrity' });
    expect(server.requests).toHaveLength(0);
  });

  it('do not call destroyed what only was not found', async () => {
    server.answer = () => ({ status: 404, body: '<html>' });
    await expect(keys.destroyKey('one')).rejects.toMatchObject({ kind: 'unavailable' });
    server.answer = () => ({ status: 200, body: { destroyed: false } });
    await expect(keys.destroyKey('one')).resolves.toMatchObject({ destroyed: false });
    for (const status of [404, 410]) {
      server.answer = () => ({ status, body: { error: 'unknown_key' } });
      await expect(keys.destroyKey('one')).resolves.toMatchObject({ destroyed: true });
    }
  });

  it('wrap and unwrap, before and after a rotation', async () => {
    const ref = await keys.createKey(ACME);
    await expect(keys.createKey(ACME)).resolves.toBe(ref);
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const older = await keys.wrap(ref, CONTEXT, first);
    await keys.rotateKey(ref);
    const newer = await keys.wrap(ref, CONTEXT, second);
    await expect(keys.unwrap(ref, CONTEXT, older)).resolves.toEqual(first);
    await expect(keys.unwrap(ref, CONTEXT, newer)).resolves.toEqual(second);
  });

  it('are gone for good once they are destroyed, however often that is asked', async () => {
    const ref = await keys.createKey(ACME);
    const wrapped = await keys.wrap(ref, CONTEXT, randomBytes(32));
    for (let n = 0; n < 2; n++) await expect(keys.destroyKey(ref)).resolves.toMatchObject({ destroyed: true });
    await expect(keys.unwrap(ref, CONTEXT, wrapped)).rejects.toMatchObject({ kind: 'destroyed' });
    await expect(keys.wrap(ref, CONTEXT, randomBytes(32))).rejects.toMatchObject({ kind: 'destroyed' });
  });

  it('are asked for as the interface says, by the client and its secret', async () => {
    const ref = await keys.createKey(ACME);
    const key = randomBytes(32);
    const wrapped = await keys.wrap(ref, CONTEXT, key);
    await keys.unwrap(ref, CONTEXT, wrapped);
    await keys.rotateKey(ref);
    await keys.destroyKey(ref);
    const path = `/keys/local%3A${ACME}`;
    expect(server.requests.map(({ method, path, text }) => [method, path, text === '' ? null : JSON.parse(text)])).toEqual([
      ['PUT', `/keys/${ACME}`, null],
      ['POST', `${path}/wrap`, { context: CONTEXT, plaintext: key.toString('base64') }],
      ['POST', `${path}/unwrap`, { context: CONTEXT, wrapped: wrapped.toString('base64') }],
      ['POST', `${path}/rotate`, {}],
      ['DELETE', path, null],
    ]);
    const basic = `Basic ${Buffer.from('business-store:secret%3Aof+the+client').toString('base64')}`;
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([basic]));
  });

  it('show neither the secret nor a key', async () => {
    const key = randomBytes(32);
    server.answer = ({ text }) => ({ status: 422, body: text });
    const faults = await Promise.all([
      keys.wrap('one', CONTEXT, key).catch((error: unknown) => error),
      keys.unwrap('one', CONTEXT, key).catch((error: unknown) => error),
    ]);
    const shown = inspect([keys, ...faults], { depth: 10, showHidden: true });
    const basic = Buffer.from('business-store:secret%3Aof+the+client').toString('base64');
    for (const secret of [SECRET, basic, key.toString('base64'), key.toString('hex')]) expect(shown).not.toContain(secret);
  });
});

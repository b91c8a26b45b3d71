/** The client of Vault's transit engine, against a server that answers as Vault does and takes nothing else. No Vault has been asked. */

import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { KeyContext } from '../key-provider.js';
import { KeyServer } from './key-server.fixture.js';
import { FakeTransit } from './vault-transit.fixture.js';
import { VaultTransit, type VaultTransitOptions } from './vault-transit.js';

const ACME = '0190f3c0-7a1e-7c3b-8f00-000000000001';
const GLOBEX = '0190f3c0-7a1e-7c3b-8f00-000000000002';
const REF = `bss-${ACME}`;
const CONTEXT: KeyContext = { tenantId: ACME, purpose: 'encrypt', version: 1 };
const TOKEN = 'hvs.token-of-the-service';

let transit: FakeTransit;
let server: KeyServer;
let vault: VaultTransit;
let opened: VaultTransit[];

const open = (options: Partial<VaultTransitOptions> = {}) => {
  const provider = new VaultTransit({ url: server.url, token: TOKEN, ...options });
  opened.push(provider);
  return provider;
};

beforeEach(async () => {
  opened = [];
  transit = new FakeTransit(TOKEN, 'transit');
  server = await KeyServer.start((request) => transit.answer(request));
  vault = open();
});
afterEach(async () => {
  for (const provider of opened) await provider.close();
  await server.stop();
});

async function wrapped(key = randomBytes(32)): Promise<Buffer> {
  return vault.wrap(await vault.createKey(ACME), CONTEXT, key);
}

describe('the transit engine of Vault', () => {
  it.each<[string, Partial<KeyContext>]>([
    ['another purpose', { purpose: 'index' }],
    ['another version', { version: 2 }],
    ['another tenant', { tenantId: GLOBEX }],
  ])('does not open for %s what it wrapped', async (_name, other) => {
    const wrap = await wrapped();
    const globex = await vault.createKey(GLOBEX);
    for (const ref of [REF, globex]) {
      await expect(vault.unwrap(ref, { ...CONTEXT, ...other }, wrap)).rejects.toMatchObject({ kind: 'integrity' });
    }
  });

  it('does not open what was cut off, changed or never a ciphertext', async () => {
    const wrap = await wrapped();
    const text = wrap.toString();
    for (const broken of [
      '',
      'vault:v1:',
      text.slice(0, -8),
      text.slice(1),
      text.replace(':v1:', ':v2:'),
      `${text.slice(0, 12)}AAAAAAAA${text.slice(20)}`,
    ]) {
      await expect(vault.unwrap(REF, CONTEXT, Buffer.from(broken))).rejects.toMatchObject({ kind: 'integrity' });
    }
  });

  it('makes no key by encrypting with one that is gone', async () => {
    await wrapped();
    transit.keys.clear();
    await expect(vault.wrap(REF, CONTEXT, randomBytes(32))).rejects.toMatchObject({ kind: 'destroyed' });
    await expect(vault.rotateKey(REF)).rejects.toMatchObject({ kind: 'destroyed' });
    expect(transit.keys.size).toBe(0);
  });

  it.each<[string, Record<string, unknown>]>([
    ['without derivation, which would pass the context over', { derived: false }],
    ['that can be exported', { exportable: true }],
    ['that can be backed up in plain text', { allow_plaintext_backup: true }],
    ['of another type', { type: 'chacha20-poly1305' }],
    ['that is marked as deleted', { soft_deleted: true }],
  ])('wraps nothing under a key %s', async (_name, description) => {
    await wrapped();
    Object.assign(transit.keys.get(REF)?.description as object, description);
    await expect(vault.wrap(REF, CONTEXT, randomBytes(32))).rejects.toMatchObject({ kind: 'denied' });
    await expect(vault.createKey(ACME)).rejects.toMatchObject({ kind: 'denied' });
  });

  it.each(['', 'bss-', 'bss-../sys', ACME, `bss-${ACME}/export`])(
    'knows no key by the name %j, and asks for none',
    async (ref) => {
      const wrap = await wrapped();
      server.requests.length = 0;
      const integrity = { name: 'KeyFault', kind: 'integrity' };
      await expect(vault.unwrap(ref, CONTEXT, wrap)).rejects.toMatchObject(integrity);
      await expect(vault.wrap(ref, CONTEXT, randomBytes(32))).rejects.toMatchObject(integrity);
      await expect(vault.rotateKey(ref)).rejects.toMatchObject(integrity);
      await expect(vault.destroyKey(ref)).rejects.toMatchObject(integrity);
      await expect(vault.createKey(`${ref}/config`)).rejects.toMatchObject(integrity);
      expect(server.requests).toHaveLength(0);
    },
  );

  it('takes a wrong mount or namespace for no answer, and never for a key that is gone', async () => {
    const wrap = await wrapped();
    for (const other of [open({ mount: 'elsewhere' }), open({ namespace: 'team' })]) {
      const unavailable = { kind: 'unavailable', message: expect.stringContaining('no transit engine') };
      await expect(other.unwrap(REF, CONTEXT, wrap)).rejects.toMatchObject(unavailable);
      await expect(other.wrap(REF, CONTEXT, randomBytes(32))).rejects.toMatchObject(unavailable);
      await expect(other.createKey(ACME)).rejects.toMatchObject(unavailable);
      await expect(other.destroyKey(REF)).rejects.toMatchObject(unavailable);
    }
    expect(() => open({ mount: '../sys' })).toThrow(/mount/);
    expect(() => open({ url: 'http://vault.example.com:8200' })).toThrow(/https/);
  });

  it('is denied with another token, and away while it is sealed', async () => {
    const wrap = await wrapped();
    await expect(open({ token: 'another' }).unwrap(REF, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'denied' });
    server.answer = () => ({ status: 503, body: { errors: ['Vault is sealed'] } });
    await expect(vault.unwrap(REF, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it.each<[string, object]>([
    ['without data', {}],
    ['of 31 bytes', { data: { plaintext: randomBytes(31).toString('base64') } }],
    ['that is a list', { data: [] }],
  ])('does not take an answer %s for a key', async (_name, body) => {
    const wrap = await wrapped();
    server.answer = () => ({ status: 200, body });
    await expect(vault.unwrap(REF, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'integrity' });
    await expect(vault.wrap(REF, CONTEXT, randomBytes(32))).rejects.toBeInstanceOf(Error);
  });

  it('tells a version that is no longer allowed from a broken ciphertext', async () => {
    const wrap = await wrapped();
    await vault.rotateKey(REF);
    Object.assign(transit.keys.get(REF)?.description as object, { min_decryption_version: 2 });
    const denied = { kind: 'denied', message: expect.stringContaining('before 2') };
    await expect(vault.unwrap(REF, CONTEXT, wrap)).rejects.toMatchObject(denied);
  });

  it('wraps and unwraps, before and after a rotation', async () => {
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const older = await wrapped(first);
    await vault.rotateKey(REF);
    const newer = await wrapped(second);
    expect([older, newer].map((wrap) => wrap.toString().slice(0, 9))).toEqual(['vault:v1:', 'vault:v2:']);
    await expect(vault.unwrap(REF, CONTEXT, older)).resolves.toEqual(first);
    await expect(vault.unwrap(REF, CONTEXT, newer)).resolves.toEqual(second);
  });

  it('finds its mount and its namespace', async () => {
    transit = new FakeTransit(TOKEN, 'engines/transit', 'team/a');
    const provider = open({ mount: 'engines/transit', namespace: 'team/a' });
    const key = randomBytes(32);
    const wrap = await provider.wrap(await provider.createKey(ACME), CONTEXT, key);
    await expect(provider.unwrap(REF, CONTEXT, wrap)).resolves.toEqual(key);
  });

  it('deletes a key for good, and allows it not before', async () => {
    const wrap = await wrapped();
    expect(transit.keys.get(REF)?.description).toMatchObject({ deletion_allowed: false });
    for (let n = 0; n < 2; n++) await expect(vault.destroyKey(REF)).resolves.toMatchObject({ destroyed: true });
    expect(transit.keys.size).toBe(0);
    await expect(vault.unwrap(REF, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'destroyed' });
  });

  it.each(['POST config', 'DELETE keys'])('says that the key is not destroyed when the token may not %s', async (action) => {
    const wrap = await wrapped();
    transit.forbidden.add(action);
    await expect(vault.destroyKey(REF)).resolves.toMatchObject({
      destroyed: false,
      detail: expect.stringContaining('does not let'),
    });
    await expect(vault.unwrap(REF, CONTEXT, wrap)).resolves.toHaveLength(32);
  });

  it('does not believe that a key is deleted which is still there', async () => {
    await wrapped();
    server.answer = (request) => (request.method === 'DELETE' ? { status: 204 } : transit.answer(request));
    await expect(vault.destroyKey(REF)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('shows neither its token nor a key', async () => {
    const key = randomBytes(32);
    const wrap = await wrapped(key);
    server.answer = ({ text }) => ({ status: 400, body: { errors: [text, TOKEN] } });
    const faults = await Promise.all([
      vault.wrap(REF, CONTEXT, key).catch((error: unknown) => error),
      vault.unwrap(REF, CONTEXT, wrap).catch((error: unknown) => error),
    ]);
    const shown = inspect([vault, ...faults], { depth: 10, showHidden: true });
    for (const secret of [TOKEN, key.toString('base64'), key.toString('hex'), wrap.toString()])
      expect(shown).not.toContain(secret);
  });
});

/** The keyring file: what it refuses, what it never loses, and what is left of a key that was destroyed. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect, promisify } from 'node:util';
import type { KeyContext } from '../key-provider.js';
import { LocalKeyring } from './local-keyring.js';

const ACME = '0190f3c0-7a1e-7c3b-8f00-000000000001';
const GLOBEX = '0190f3c0-7a1e-7c3b-8f00-000000000002';
const CONTEXT: KeyContext = { tenantId: ACME, purpose: 'encrypt', version: 1 };

let folder: string;
let path: string;
let keyring: LocalKeyring;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-keyring-'));
  path = join(folder, 'made', 'keyring.jsonl');
  keyring = new LocalKeyring(path);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function wrapped(context = CONTEXT): Promise<{ ref: string; key: Buffer; wrap: Buffer }> {
  const ref = await keyring.createKey(context.tenantId);
  const key = randomBytes(32);
  return { ref, key, wrap: await keyring.wrap(ref, context, key) };
}

const keysIn = async (file: string): Promise<string[]> =>
  (await readFile(file, 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).key]));

describe('the local keyring', () => {
  it('refuses production, and says what to set instead', () => {
    expect(() => new LocalKeyring(path, { environment: 'production' })).toThrow(/set KEY_PROVIDER to auth-service, vault/);
    expect(() => new LocalKeyring(path, { environment: 'production', allowInProduction: true })).not.toThrow();
    const environment = process.env.NODE_ENV;
    try {
      process.env.NODE_ENV = 'production';
      expect(() => new LocalKeyring(path)).toThrow(/KEY_PROVIDER/);
    } finally {
      process.env.NODE_ENV = environment;
    }
  });

  it.each(['640', '604', '660'])('refuses a file of mode %s, which others can read', async (mode) => {
    const { ref, key, wrap } = await wrapped();
    await chmod(path, mode);
    const denied = { kind: 'denied', message: expect.stringContaining(mode) };
    await expect(keyring.unwrap(ref, CONTEXT, wrap)).rejects.toMatchObject(denied);
    await expect(keyring.wrap(ref, CONTEXT, key)).rejects.toMatchObject(denied);
    await expect(keyring.createKey(GLOBEX)).rejects.toMatchObject(denied);
    await expect(keyring.destroyKey(ref)).rejects.toMatchObject(denied);
    await chmod(path, 0o600);
    await expect(keyring.unwrap(ref, CONTEXT, wrap)).resolves.toEqual(key);
  });

  it.each<[string, Partial<KeyContext>]>([
    ['another purpose', { purpose: 'index' }],
    ['another version', { version: 2 }],
    ['another tenant', { tenantId: GLOBEX }],
  ])('does not open for %s what it wrapped', async (_name, other) => {
    const { ref, wrap } = await wrapped();
    const globex = await keyring.createKey(GLOBEX);
    const context = { ...CONTEXT, ...other };
    await expect(keyring.unwrap(ref, context, wrap)).rejects.toMatchObject({ name: 'KeyFault', kind: 'integrity' });
    const owner = context.tenantId === ACME ? ref : globex;
    await expect(keyring.unwrap(owner, context, wrap)).rejects.toMatchObject({ kind: 'integrity' });
  });

  it('does not open what lacks a byte, has one more, or has any bit changed', async () => {
    const { ref, wrap } = await wrapped();
    const flipped = Array.from(wrap, (_byte, at) => {
      const copy = Buffer.from(wrap);
      copy[at] = (copy[at] as number) ^ 1;
      return copy;
    });
    for (const broken of [...flipped, wrap.subarray(1), wrap.subarray(0, -1), Buffer.concat([wrap, wrap]), Buffer.alloc(0)]) {
      await expect(keyring.unwrap(ref, CONTEXT, broken)).rejects.toMatchObject({ kind: 'integrity' });
    }
  });

  it.each(['', 'local:', `vault:${ACME}`, 'local:../x', `local:${ACME}"`, ACME])('knows no key by the name %j', async (ref) => {
    const { wrap } = await wrapped();
    const integrity = { name: 'KeyFault', kind: 'integrity' };
    await expect(keyring.unwrap(ref, CONTEXT, wrap)).rejects.toMatchObject(integrity);
    await expect(keyring.wrap(ref, CONTEXT, randomBytes(32))).rejects.toMatchObject(integrity);
    await expect(keyring.rotateKey(ref)).rejects.toMatchObject(integrity);
    await expect(keyring.destroyKey(ref)).rejects.toMatchObject(integrity);
  });

  it('makes no key for what is no tenant, and wraps nothing but 32 bytes', async () => {
    await expect(keyring.createKey('x","version":1')).rejects.toMatchObject({ kind: 'integrity' });
    const ref = await keyring.createKey(ACME);
    await expect(keyring.wrap(ref, CONTEXT, randomBytes(31))).rejects.toMatchObject({ kind: 'integrity' });
  });

  it('does not call destroyed what it never had: the file may be another one', async () => {
    const { ref, wrap } = await wrapped();
    for (const empty of ['missing', 'other']) {
      const other = new LocalKeyring(join(folder, empty));
      if (empty === 'other') await other.createKey(GLOBEX);
      await expect(other.unwrap(ref, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(other.destroyKey(ref)).rejects.toMatchObject({ kind: 'unavailable' });
    }
  });

  it('unwraps what it wrapped, in a file that nobody else may read', async () => {
    const { ref, key, wrap } = await wrapped();
    expect(ref).toBe(`local:${ACME}`);
    await expect(keyring.createKey(ACME)).resolves.toBe(ref);
    await expect(new LocalKeyring(path).unwrap(ref, CONTEXT, wrap)).resolves.toEqual(key);
    expect(wrap.includes(key)).toBe(false);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'made'))).mode & 0o777).toBe(0o700);
  });

  it('wraps with a new version after a rotation, and still opens what older ones wrapped', async () => {
    const first = await wrapped();
    await keyring.rotateKey(first.ref);
    const second = await wrapped();
    expect(second.wrap.readUInt32BE(1)).toBe(first.wrap.readUInt32BE(1) + 1);
    await expect(keyring.unwrap(first.ref, CONTEXT, first.wrap)).resolves.toEqual(first.key);
    await expect(keyring.unwrap(first.ref, CONTEXT, second.wrap)).resolves.toEqual(second.key);
  });

  it('leaves nothing of a destroyed key in its file, and tells it from a broken one', async () => {
    const { ref, key, wrap } = await wrapped();
    await keyring.rotateKey(ref);
    const other = await wrapped({ ...CONTEXT, tenantId: GLOBEX });
    const [first, second, others] = await keysIn(path);
    const unaware = new LocalKeyring(path);
    await unaware.unwrap(ref, CONTEXT, wrap);

    await expect(keyring.destroyKey(ref)).resolves.toMatchObject({ destroyed: true });
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain(first);
    expect(text).not.toContain(second);
    expect(text).toContain(others);
    await expect(keyring.destroyKey(ref)).resolves.toMatchObject({ destroyed: true });
    for (const anyone of [keyring, unaware]) {
      await expect(anyone.unwrap(ref, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'destroyed' });
      await expect(anyone.wrap(ref, CONTEXT, key)).rejects.toMatchObject({ kind: 'destroyed' });
      await expect(anyone.rotateKey(ref)).rejects.toMatchObject({ kind: 'destroyed' });
    }
    await expect(keyring.unwrap(other.ref, { ...CONTEXT, tenantId: GLOBEX }, other.wrap)).resolves.toEqual(other.key);

    const again = await wrapped();
    await expect(keyring.unwrap(ref, CONTEXT, again.wrap)).resolves.toEqual(again.key);
    await expect(keyring.unwrap(ref, CONTEXT, wrap)).rejects.toMatchObject({ kind: 'destroyed' });
  });

  it('goes on where a process died in the middle of a line', async () => {
    const { ref, key, wrap } = await wrapped();
    await appendFile(path, `\n{"tenant":"${GLOBEX}","version":1,"key":"AAAA`);
    const other = await wrapped({ ...CONTEXT, tenantId: GLOBEX });
    await expect(keyring.unwrap(other.ref, { ...CONTEXT, tenantId: GLOBEX }, other.wrap)).resolves.toEqual(other.key);
    await expect(keyring.unwrap(ref, CONTEXT, wrap)).resolves.toEqual(key);
  });

  it('shows nothing of keys, and nothing of the system but a code', async () => {
    const { ref, key, wrap } = await wrapped();
    const [base64] = await keysIn(path);
    const broken = Buffer.from(wrap).fill(1, 20);
    const faults = [
      await keyring.unwrap(ref, CONTEXT, broken).catch((error: unknown) => error),
      await new LocalKeyring(folder).createKey(ACME).catch((error: unknown) => error),
    ];
    await writeFile(path, 'no keyring at all');
    faults.push(await keyring.wrap(ref, CONTEXT, key).catch((error: unknown) => error));
    expect(faults.map((fault) => (fault as { kind?: string }).kind)).toEqual(['integrity', 'unavailable', 'unavailable']);
    const shown = inspect([keyring, ...faults], { depth: 10, showHidden: true });
    for (const secret of [
      base64,
      Buffer.from(base64 as string, 'base64').toString('hex'),
      key.toString('hex'),
      key.toString('base64'),
    ]) {
      expect(shown).not.toContain(secret);
    }
  });

  it('loses no key to a race of processes', async () => {
    const tenants = Array.from({ length: 12 }, (_, n) => `0190f3c0-7a1e-7c3b-8f00-${String(n).padStart(12, '0')}`);
    const root = resolve(__dirname, '../../..');
    const script = `
      const { LocalKeyring } = require(${JSON.stringify(join(__dirname, 'local-keyring.ts'))});
      const { randomBytes } = require('node:crypto');
      const keyring = new LocalKeyring(${JSON.stringify(path)});
      const context = (tenantId, version) => ({ tenantId, purpose: 'encrypt', version });
      const work = async (tenantId) => {
        const done = [];
        for (let version = 1; version <= 4; version++) {
          const key = randomBytes(32);
          const ref = await keyring.createKey(tenantId);
          const wrap = await keyring.wrap(ref, context(tenantId, version), key);
          done.push({ ref, context: context(tenantId, version), key: key.toString('hex'), wrap: wrap.toString('hex') });
          await keyring.rotateKey(ref);
        }
        return done;
      };
      Promise.all(${JSON.stringify(tenants)}.map(work)).then((all) => console.log(JSON.stringify(all.flat())));
    `;
    const hook = join(root, 'test/harness/typescript-hook.cjs');
    const run = async () => (await promisify(execFile)(process.execPath, ['-r', hook, '-e', script], { cwd: root })).stdout;
    const outputs = await Promise.all([run(), run(), run()]);
    const made = outputs.flatMap((output) => JSON.parse(output));
    expect(made).toHaveLength(3 * 4 * tenants.length);
    for (const { ref, context, key, wrap } of made) {
      expect((await keyring.unwrap(ref, context, Buffer.from(wrap, 'hex'))).toString('hex')).toBe(key);
    }
  }, 60_000);
});

import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PIN, type ProviderProcess, type SoftHsm, startSoftHsm, WITHOUT_SOFTHSM } from '../../../test/harness/softhsm.js';
import { type KeyContext, KeyFault } from '../key-provider.js';

jest.setTimeout(60_000);

const FIND = `const find = (label) => { m.C_FindObjectsInit(s, [{ type: p.CKA_LABEL, value: label }]);
  const found = m.C_FindObjects(s, 100); m.C_FindObjectsFinal(s); return found; };`;

let hsm: SoftHsm;
let provider: ProviderProcess;

async function faultOf(work: Promise<unknown>): Promise<KeyFault & { inspected: string }> {
  const fault = await work.then(
    () => null,
    (error) => error,
  );
  expect(fault).toBeInstanceOf(KeyFault);
  return fault;
}

function newContext(): KeyContext {
  return { tenantId: randomUUID(), purpose: 'encrypt', version: 1 };
}

(WITHOUT_SOFTHSM ? describe.skip : describe)(`${WITHOUT_SOFTHSM ?? ''}PKCS#11`, () => {
  beforeAll(async () => {
    hsm = await startSoftHsm();
    hsm.initToken('test');
    provider = await hsm.start();
  });
  afterAll(() => hsm?.close());

  test('does not open without its module, and names it', async () => {
    await expect(hsm.start({ library: '/nowhere/module.so' })).rejects.toThrow(
      /^PKCS#11: \/nowhere\/module\.so is no PKCS#11 module/,
    );
  });

  test('does not open where pkcs11js is not compiled, and says what to do', async () => {
    const preload = join(hsm.folder, '..', 'without.cjs');
    writeFileSync(
      preload,
      `const Module = require('node:module'); const resolve = Module._resolveFilename;
       Module._resolveFilename = function (name, ...rest) {
         if (name === 'pkcs11js') throw new Error('not found');
         return resolve.call(this, name, ...rest);
       };`,
    );
    await expect(hsm.start({ preload })).rejects.toThrow(/npm rebuild pkcs11js/);
  });

  test('is unavailable while no token has the label, and finds one that is there later', async () => {
    const early = await hsm.start({ tokenLabel: 'late' });
    expect((await faultOf(early.createKey(randomUUID()))).kind).toBe('unavailable');
    hsm.initToken('late');
    const tenantId = randomUUID();
    expect(await early.createKey(tenantId)).toBe(`bss-${tenantId}`);
  });

  test('is denied with a wrong PIN, which it tries once: more would lock the token', async () => {
    const other = await startSoftHsm();
    try {
      other.initToken('test');
      const mistaken = await other.start({ pin: '999999-mistaken' });
      const fault = await faultOf(mistaken.createKey(randomUUID()));
      expect(fault).toMatchObject({ kind: 'denied', message: expect.stringContaining('CKR_PIN_INCORRECT') });
      other.run(`m.C_SetPIN(s, ${JSON.stringify(PIN)}, '999999-mistaken')`);
      expect((await faultOf(mistaken.createKey(randomUUID()))).kind).toBe('denied');
      const started = await other.start({ pin: '999999-mistaken' });
      await started.createKey(randomUUID());
    } finally {
      await other.close();
    }
  });

  test.each<[string, (context: KeyContext) => KeyContext]>([
    ['tenant', (context) => ({ ...context, tenantId: randomUUID() })],
    ['purpose', (context) => ({ ...context, purpose: 'index' })],
    ['version', (context) => ({ ...context, version: 2 })],
  ])('opens no key for another %s than it was wrapped for', async (_, changed) => {
    const context = newContext();
    const keyRef = await provider.createKey(context.tenantId);
    const wrapped = await provider.wrap(keyRef, context, randomBytes(32));
    expect((await faultOf(provider.unwrap(keyRef, changed(context), wrapped))).kind).toBe('integrity');
  });

  test('opens no key with the key of another tenant', async () => {
    const context = newContext();
    const wrapped = await provider.wrap(await provider.createKey(context.tenantId), context, randomBytes(32));
    const other = await provider.createKey(randomUUID());
    expect((await faultOf(provider.unwrap(other, context, wrapped))).kind).toBe('integrity');
  });

  test('opens nothing that was changed anywhere or cut off', async () => {
    const context = newContext();
    const keyRef = await provider.createKey(context.tenantId);
    const key = randomBytes(32);
    const wrapped = await provider.wrap(keyRef, context, key);
    for (let n = 0; n < wrapped.length; n++) {
      const flipped = Buffer.from(wrapped);
      flipped[n]! ^= 1 << (n % 8);
      expect((await faultOf(provider.unwrap(keyRef, context, flipped))).kind).toBe('integrity');
    }
    for (const length of [0, 1, 13, 25, 41, wrapped.length - 1]) {
      expect((await faultOf(provider.unwrap(keyRef, context, wrapped.subarray(0, length)))).kind).toBe('integrity');
    }
    expect((await faultOf(provider.unwrap(keyRef, context, Buffer.concat([wrapped, Buffer.alloc(1)])))).kind).toBe('integrity');
    expect(await provider.unwrap(keyRef, context, wrapped)).toEqual(key);
  });

  test('refuses references that are no tenant’s key, and tenants without a UUID', async () => {
    for (const keyRef of ['', 'bss-', 'another-key', `bss-${randomUUID()}x`]) {
      expect((await faultOf(provider.wrap(keyRef, newContext(), randomBytes(32)))).kind).toBe('denied');
      expect((await faultOf(provider.destroyKey(keyRef))).kind).toBe('denied');
    }
    expect((await faultOf(provider.createKey('not a tenant'))).kind).toBe('denied');
  });

  test('lets nobody have the key, not even who has the PIN', async () => {
    const keyRef = await provider.createKey(randomUUID());
    const tried = hsm.run(`${FIND}
      const refused = (work) => { try { work(); return 'ALLOWED'; } catch (error) { return error.message; } };
      const [key] = find(${JSON.stringify(keyRef)});
      console.log([
        refused(() => m.C_GetAttributeValue(s, key, [{ type: p.CKA_VALUE }])),
        refused(() => m.C_SetAttributeValue(s, key, [{ type: p.CKA_EXTRACTABLE, value: true }])),
        refused(() => m.C_SetAttributeValue(s, key, [{ type: p.CKA_LABEL, value: 'mine' }])),
      ].join(' '));`);
    // 27: CKR_ACTION_PROHIBITED
    expect(tried).toBe('CKR_ATTRIBUTE_SENSITIVE CKR_VENDOR_DEFINED:27 CKR_VENDOR_DEFINED:27');
    const flags = hsm.run(`${FIND}
      const types = [p.CKA_SENSITIVE, p.CKA_EXTRACTABLE, p.CKA_WRAP, p.CKA_DERIVE, p.CKA_PRIVATE, p.CKA_TOKEN];
      const values = m.C_GetAttributeValue(s, find(${JSON.stringify(keyRef)})[0], types.map((type) => ({ type })));
      console.log(values.map(({ value }) => value[0]).join(''));`);
    expect(flags).toBe('100011');
  });

  test('does not use a key that was planted under a tenant’s label', async () => {
    const tenantId = randomUUID();
    hsm.run(`m.C_CreateObject(s, [{ type: p.CKA_CLASS, value: p.CKO_SECRET_KEY }, { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
      { type: p.CKA_TOKEN, value: true }, { type: p.CKA_PRIVATE, value: false }, { type: p.CKA_ENCRYPT, value: true },
      { type: p.CKA_SENSITIVE, value: false }, { type: p.CKA_EXTRACTABLE, value: true }, { type: p.CKA_DECRYPT, value: true },
      { type: p.CKA_LABEL, value: 'bss-${tenantId}' }, { type: p.CKA_ID, value: Buffer.alloc(12, 0xff) },
      { type: p.CKA_VALUE, value: Buffer.alloc(32, 1) }]);`);
    const keyRef = await provider.createKey(tenantId);
    const wrapped = await provider.wrap(keyRef, { ...newContext(), tenantId }, randomBytes(32));
    expect(wrapped.subarray(1, 5)).toEqual(Buffer.from([0, 0, 0, 1]));
  });

  test('says that a key is destroyed, to other processes too, and again when it is destroyed again', async () => {
    const second = await hsm.start();
    const context = newContext();
    const keyRef = await provider.createKey(context.tenantId);
    const wrapped = [await provider.wrap(keyRef, context, randomBytes(32))];
    await provider.rotateKey(keyRef);
    wrapped.push(await second.wrap(keyRef, context, randomBytes(32)));
    const destruction = await provider.destroyKey(keyRef);
    expect(destruction.destroyed).toBe(true);
    expect(await second.destroyKey(keyRef)).toEqual(destruction);
    for (const each of [provider, second]) {
      for (const one of wrapped) expect((await faultOf(each.unwrap(keyRef, context, one))).kind).toBe('destroyed');
      expect((await faultOf(each.wrap(keyRef, context, randomBytes(32)))).kind).toBe('destroyed');
      expect((await faultOf(each.rotateKey(keyRef))).kind).toBe('destroyed');
    }
    expect(hsm.run(`${FIND} console.log(find(${JSON.stringify(keyRef)}).length);`)).toBe('0');
  });

  test('shows nothing of the PIN or of keys, neither itself nor its faults', async () => {
    const context = newContext();
    const keyRef = await provider.createKey(context.tenantId);
    const key = Buffer.from('a key that nobody should see 0123');
    const wrapped = await provider.wrap(keyRef, context, key);
    expect(wrapped.includes(key)).toBe(false);
    const fault = await faultOf(provider.unwrap(keyRef, newContext(), wrapped));
    for (const text of [await provider.inspected(), fault.inspected, fault.message]) {
      for (const secret of [
        PIN,
        key.toString(),
        key.toString('hex').slice(0, 20),
        key.toString('hex').match(/../g)!.join(' ').slice(0, 30),
      ]) {
        expect(text).not.toContain(secret);
      }
    }
  });

  test('wraps and opens a key, never twice to the same bytes', async () => {
    const context = newContext();
    const keyRef = await provider.createKey(context.tenantId);
    expect(await provider.createKey(context.tenantId)).toBe(keyRef);
    const key = randomBytes(32);
    const [one, two] = [await provider.wrap(keyRef, context, key), await provider.wrap(keyRef, context, key)];
    expect(one).not.toEqual(two);
    expect(one).toHaveLength(73);
    expect(await provider.unwrap(keyRef, context, one)).toEqual(key);
    expect(hsm.run(`${FIND} console.log(find(${JSON.stringify(keyRef)}).length);`)).toBe('1');
  });

  test('opens after a rotation what was wrapped before, and wraps with the new version in every process', async () => {
    const second = await hsm.start();
    const context = newContext();
    const keyRef = await provider.createKey(context.tenantId);
    const key = randomBytes(32);
    const before = await second.wrap(keyRef, context, key);
    await provider.rotateKey(keyRef);
    const after = await second.wrap(keyRef, context, key);
    expect([before, after].map((wrapped) => wrapped.readUInt32BE(1))).toEqual([1, 2]);
    for (const wrapped of [before, after]) expect(await provider.unwrap(keyRef, context, wrapped)).toEqual(key);
  });

  test('loses nothing when processes make and rotate one tenant’s key at once, which end with the same', async () => {
    const all = [provider, await hsm.start(), await hsm.start()];
    for (let round = 0; round < 4; round++) {
      const context = newContext();
      const wrapped = await Promise.all(
        all.map(async (one) => {
          const keyRef = await one.createKey(context.tenantId);
          const key = randomBytes(32);
          const bytes = [await one.wrap(keyRef, context, key)];
          await one.rotateKey(keyRef);
          bytes.push(await one.wrap(keyRef, context, key));
          return { key, bytes };
        }),
      );
      const keyRef = `bss-${context.tenantId}`;
      for (const one of all) {
        for (const { key, bytes } of wrapped) {
          for (const each of bytes) expect(await one.unwrap(keyRef, context, each)).toEqual(key);
        }
      }
      // SoftHSM overlooks what was made while it made something itself, until it looks anew.
      await Promise.all(all.map((one) => one.interfere('C_Finalize')));
      const last = await Promise.all(all.map((one) => one.wrap(keyRef, context, randomBytes(32))));
      expect(new Set(last.map((each) => each.subarray(1, 13).toString('hex'))).size).toBe(1);
    }
  });

  test('logs in again when its session or its login is lost, and takes neither for the end of a key', async () => {
    const context = newContext();
    const one = await hsm.start();
    const keyRef = await one.createKey(context.tenantId);
    const key = randomBytes(32);
    const wrapped = await one.wrap(keyRef, context, key);
    for (const how of ['C_CloseAllSessions', 'C_Finalize', 'C_Logout'] as const) {
      await one.interfere(how);
      expect(await one.unwrap(keyRef, context, wrapped)).toEqual(key);
    }
  });

  test('holds up nobody else while the token hangs, and refuses what would only wait', async () => {
    const context = newContext();
    const one = await hsm.start();
    const before = objectFiles();
    const keyRef = await one.createKey(context.tenantId);
    const wrapped = await one.wrap(keyRef, context, randomBytes(32));
    const file = objectFiles().find((each) => !before.includes(each))!;
    // What is opened for reading waits until somebody writes.
    renameSync(file, `${file}.aside`);
    execFileSync('mkfifo', [file]);
    const hanging = Array.from({ length: 64 }, () => one.unwrap(keyRef, context, wrapped).then(() => 'opened', String));
    expect(await one.ticks(300)).toBeGreaterThan(20);
    expect(await faultOf(one.unwrap(keyRef, context, wrapped))).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('too many'),
    });
    expect(await Promise.race([...hanging, delay(50, 'hangs')])).toBe('hangs');
    const writer = openSync(file, 'w');
    renameSync(`${file}.aside`, file);
    closeSync(writer);
    expect((await Promise.all(hanging)).at(-1)).toBe('opened');
  });
});

function objectFiles(): string[] {
  return readdirSync(hsm.folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.object'))
    .map((name) => join(hsm.folder, name));
}

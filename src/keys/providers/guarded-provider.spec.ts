/** What a bad day of a key provider may do to those who wait for it. */

import { inspect } from 'node:util';
import { type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import { guardedProvider } from './guarded-provider.js';

const CONTEXT: KeyContext = { tenantId: '0190f3c0-7a1e-7c3b-8f00-000000000001', purpose: 'encrypt', version: 1 };
const SECRET = 'secret-that-a-library-put-into-its-error';

let calls: number;
let unwrap: () => Promise<Buffer>;
let guarded: KeyProvider;

const key = async () => Buffer.alloc(32, 7);
const fails = (error: unknown) => async () => {
  throw error;
};
const opened = () => guarded.unwrap('ref', CONTEXT, Buffer.from('wrapped'));
const outage = () => new KeyFault('unavailable', 'the provider is down');
const LEFT_ALONE = { kind: 'unavailable', message: expect.stringContaining('left alone') };

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  calls = 0;
  unwrap = key;
  guarded = guardedProvider({
    name: 'vault',
    createKey: async () => 'ref',
    wrap: async () => Buffer.alloc(0),
    unwrap: () => {
      calls += 1;
      return unwrap();
    },
    rotateKey: fails(outage()),
    destroyKey: async () => ({ destroyed: false, detail: 'others use it' }),
  });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('a guarded key provider', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['31 bytes', async () => Buffer.alloc(31)],
    ['33 bytes', async () => Buffer.alloc(33)],
    ['nothing', async () => Buffer.alloc(0)],
  ])('does not hand over %s for a key', async (_name, answer) => {
    unwrap = answer;
    await expect(opened()).rejects.toMatchObject({ name: 'KeyFault', kind: 'integrity' });
  });

  it('does not take nothing for a wrapped key', async () => {
    await expect(guarded.wrap('ref', CONTEXT, Buffer.alloc(32))).rejects.toMatchObject({ kind: 'integrity' });
  });

  it.each<[string, unknown]>([
    ['an aborted request', new DOMException(SECRET, 'AbortError')],
    ['a fault of its code', new TypeError(SECRET)],
    ['an error of a library', Object.assign(new Error(SECRET, { cause: new Error(SECRET) }), { code: SECRET, body: SECRET })],
    ['a text', SECRET],
    ['nothing', undefined],
  ])('makes of %s a fault that says nothing of it', async (_name, error) => {
    unwrap = fails(error);
    const fault = await opened().catch((caught: unknown) => caught);
    expect(fault).toBeInstanceOf(KeyFault);
    expect(fault).toMatchObject({ kind: 'unavailable', message: 'the key provider vault failed' });
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain(SECRET);
  });

  it('names the code of the system', async () => {
    unwrap = fails(Object.assign(new Error(SECRET), { code: 'ECONNRESET' }));
    await expect(opened()).rejects.toMatchObject({ message: 'the key provider vault failed (ECONNRESET)' });
  });

  it('answers in time when the provider hangs, and wipes the key that comes too late', async () => {
    const late = Buffer.alloc(32, 7);
    unwrap = () => new Promise((resolve) => setTimeout(() => resolve(late), 60_000));
    const settled = jest.fn();
    const refused = opened().finally(settled);
    const expected = expect(refused).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('1500 ms') });
    await jest.advanceTimersByTimeAsync(1_499);
    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    await expected;
    expect(late).toEqual(Buffer.alloc(32, 7));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(late).toEqual(Buffer.alloc(32));
  });

  it('ignores a failure that comes too late', async () => {
    unwrap = () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error(SECRET)), 60_000));
    const expected = expect(opened()).rejects.toMatchObject({ message: expect.stringContaining('1500 ms') });
    await jest.advanceTimersByTimeAsync(120_000);
    await expected;
  });

  it('refuses at once after five outages in a row, and comes back by itself', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    unwrap = fails(outage());
    for (let n = 0; n < 5; n++) await expect(opened()).rejects.toMatchObject({ message: 'the provider is down' });
    unwrap = key;
    await jest.advanceTimersByTimeAsync(2_999);
    await expect(opened()).rejects.toMatchObject(LEFT_ALONE);
    expect(calls).toBe(5);
    await jest.advanceTimersByTimeAsync(1);
    await expect(opened()).resolves.toEqual(await key());
    await expect(opened()).resolves.toEqual(await key());
    expect(calls).toBe(7);
  });

  it('lets one call try, lets nobody wait for it, and goes on refusing when it fails', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    unwrap = fails(outage());
    for (let n = 0; n < 5; n++) await expect(opened()).rejects.toMatchObject({ kind: 'unavailable' });
    await jest.advanceTimersByTimeAsync(1_000);
    unwrap = () => new Promise(() => {});
    const trying = expect(opened()).rejects.toMatchObject({ message: expect.stringContaining('1500 ms') });
    await expect(opened()).rejects.toMatchObject(LEFT_ALONE);
    await expect(guarded.wrap('ref', CONTEXT, Buffer.alloc(32))).rejects.toMatchObject(LEFT_ALONE);
    expect(calls).toBe(6);
    await jest.advanceTimersByTimeAsync(1_500);
    await trying;
    await expect(opened()).rejects.toMatchObject(LEFT_ALONE);
    expect(calls).toBe(6);
  });

  it('pauses between one second and five, by chance', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.999_999);
    unwrap = fails(outage());
    for (let n = 0; n < 5; n++) await expect(opened()).rejects.toMatchObject({ kind: 'unavailable' });
    await jest.advanceTimersByTimeAsync(4_990);
    await expect(opened()).rejects.toMatchObject(LEFT_ALONE);
    await jest.advanceTimersByTimeAsync(10);
    await expect(opened()).rejects.toMatchObject({ message: 'the provider is down' });
  });

  it.each(['denied', 'integrity', 'destroyed'] as const)('goes on asking however often a key is %s', async (kind) => {
    unwrap = fails(new KeyFault(kind, 'not this one'));
    for (let n = 0; n < 20; n++) await expect(opened()).rejects.toMatchObject({ kind, message: 'not this one' });
    expect(calls).toBe(20);
  });

  it('counts outages of all that is asked of a key together, and begins anew with each answer', async () => {
    for (let n = 0; n < 4; n++) await expect(guarded.rotateKey('ref')).rejects.toMatchObject({ kind: 'unavailable' });
    await opened();
    for (let n = 0; n < 5; n++) await expect(guarded.rotateKey('ref')).rejects.toMatchObject({ message: 'the provider is down' });
    await expect(opened()).rejects.toMatchObject(LEFT_ALONE);
    await expect(guarded.destroyKey('ref')).rejects.toMatchObject(LEFT_ALONE);
  });

  it('is told apart from others: each has a breaker of its own', async () => {
    const other = guardedProvider({ ...bare, unwrap: key });
    for (let n = 0; n < 6; n++) await expect(guarded.rotateKey('ref')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(other.unwrap('ref', CONTEXT, Buffer.from('wrapped'))).resolves.toEqual(await key());
  });

  it('hands on what the provider answers, and closes it', async () => {
    const close = jest.fn(async () => {});
    const open = guardedProvider({ ...bare, close });
    expect(open.name).toBe('aws-kms');
    await expect(open.createKey('tenant')).resolves.toBe('ref of tenant');
    await expect(open.wrap('ref', CONTEXT, Buffer.alloc(32))).resolves.toEqual(Buffer.from('wrapped'));
    await expect(open.rotateKey('ref')).resolves.toBeUndefined();
    await expect(open.destroyKey('ref')).resolves.toEqual({ destroyed: true, detail: 'gone' });
    await open.close?.();
    expect(close).toHaveBeenCalledTimes(1);
  });
});

const bare: KeyProvider = {
  name: 'aws-kms',
  createKey: async (tenantId) => `ref of ${tenantId}`,
  wrap: async () => Buffer.from('wrapped'),
  unwrap: key,
  rotateKey: async () => {},
  destroyKey: async () => ({ destroyed: true, detail: 'gone' }),
};

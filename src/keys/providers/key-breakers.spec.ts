/** Whom the outage of one key concerns, and when it is one of the provider. */

import { type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import { guardedProvider } from './guarded-provider.js';

const contextOf = (tenantId: string): KeyContext => ({ tenantId, purpose: 'encrypt', version: 1 });
const LEFT_ALONE = { kind: 'unavailable', message: expect.stringContaining('left alone') };
const DOWN = { kind: 'unavailable', message: 'the provider is down' };
const WELL = Buffer.alloc(32, 7);

let out: Set<string>;
let isHanging: boolean;
let refusal: KeyFault;
let calls: string[];
let guarded: KeyProvider;

/** @param tenantId by default every tenant has one key */
const opened = (keyRef: string, tenantId = `tenant of ${keyRef}`) =>
  guarded.unwrap(keyRef, contextOf(tenantId), Buffer.from('wrapped'));
const isDown = (keyRef: string, tenantId?: string) => expect(opened(keyRef, tenantId)).rejects.toMatchObject(DOWN);
const isLeftAlone = (keyRef: string, tenantId?: string) => expect(opened(keyRef, tenantId)).rejects.toMatchObject(LEFT_ALONE);
const isWell = (keyRef: string) => expect(opened(keyRef)).resolves.toEqual(WELL);

async function ask(keyRef: string): Promise<void> {
  calls.push(keyRef);
  if (!out.has(keyRef)) return;
  if (isHanging) await new Promise(() => {});
  throw refusal;
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  out = new Set();
  isHanging = false;
  refusal = new KeyFault('unavailable', 'the provider is down');
  calls = [];
  guarded = guardedProvider({
    name: 'aws-kms',
    createKey: async (tenantId) => {
      await ask(`new of ${tenantId}`);
      return 'ref';
    },
    wrap: async () => Buffer.from('wrapped'),
    unwrap: async (keyRef) => {
      await ask(keyRef);
      return Buffer.from(WELL);
    },
    rotateKey: ask,
    destroyKey: async () => ({ destroyed: false, detail: 'others use it' }),
  });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('a key that is out by itself', () => {
  it('is left alone, and no other: theirs are opened at once, and new ones made', async () => {
    out.add('a');
    for (let n = 0; n < 5; n++) await isDown('a');
    for (let n = 0; n < 50; n++) await isLeftAlone('a');
    await isWell('b');
    await expect(guarded.createKey('another')).resolves.toBe('ref');
    expect(calls).toEqual(['a', 'a', 'a', 'a', 'a', 'b', 'new of another']);
  });

  it('does not take all places while it hangs', async () => {
    out.add('a');
    isHanging = true;
    const hammered = Array.from({ length: 200 }, () => opened('a').catch(({ message }: KeyFault) => message));
    await isWell('b');
    await jest.advanceTimersByTimeAsync(1_550);
    const messages = await Promise.all(hammered);
    expect(messages.filter((message) => String(message).includes('1500 ms'))).toHaveLength(24);
    expect(messages.filter((message) => String(message).includes('left alone'))).toHaveLength(176);
    await isWell('b');
  });

  it('is not taken for an outage of the provider when one of another fails once', async () => {
    out.add('a').add('b');
    for (let n = 0; n < 5; n++) await isDown('a');
    await isDown('b');
    await isWell('c');
  });

  it('tries by itself, which says nothing of the provider either', async () => {
    out.add('a').add('b');
    for (let n = 0; n < 5; n++) await isDown('a');
    for (let n = 0; n < 4; n++) await isDown('b');
    for (let n = 0; n < 5; n++) {
      await jest.advanceTimersByTimeAsync(3_000);
      await isDown('a');
    }
    await isLeftAlone('a');
    await isWell('c');
  });

  it('of one tenant who has several of them closes the way to nobody else', async () => {
    out.add('a1').add('a2').add('a3').add('new of a');
    for (let n = 0; n < 4; n++) {
      await isDown('a1', 'a');
      await isDown('a2', 'a');
      await expect(guarded.createKey('a')).rejects.toMatchObject(DOWN);
      await expect(guarded.rotateKey('a3')).rejects.toMatchObject(DOWN);
    }
    await isWell('b');
  });

  it('comes back by itself', async () => {
    out.add('a');
    for (let n = 0; n < 5; n++) await isDown('a');
    out.clear();
    await jest.advanceTimersByTimeAsync(2_999);
    await isLeftAlone('a');
    await jest.advanceTimersByTimeAsync(1);
    for (let n = 0; n < 3; n++) await isWell('a');
  });
});

describe('a provider that is out', () => {
  const everything = ['a', 'b', 'c', 'd', 'e', 'f'];

  it('is left alone by all after five outages in a row, of keys of several tenants', async () => {
    out = new Set(everything);
    for (const keyRef of everything.slice(0, 5)) await isDown(keyRef);
    await isLeftAlone('f');
    await expect(guarded.createKey('another')).rejects.toMatchObject(LEFT_ALONE);
    expect(calls).toHaveLength(5);
  });

  it('is not out as long as anyone is answered in between', async () => {
    out = new Set(everything);
    for (let n = 0; n < 4; n++) {
      for (const keyRef of everything.slice(n, n + 2)) await isDown(keyRef);
      await isWell('well');
    }
    await isWell('well');
  });

  it('refuses those who wait for a place as soon as that is known', async () => {
    out = new Set(Array.from({ length: 400 }, (_, n) => `key ${n}`));
    isHanging = true;
    const messages = [...out].map((keyRef) => opened(keyRef).catch(({ message }: KeyFault) => message));
    await jest.advanceTimersByTimeAsync(1_550);
    const refused = (await Promise.all(messages)).filter((message) => String(message).includes('left alone'));
    expect([refused.length, calls.length]).toEqual([368, 32]);
  });

  it('is tried by one, and by those who found it out only after everyone else', async () => {
    out = new Set(everything.slice(0, 2));
    for (const keyRef of ['a', 'b', 'a', 'b', 'a']) await isDown(keyRef);
    await jest.advanceTimersByTimeAsync(3_000);
    await isLeftAlone('a');
    await isLeftAlone('b');
    await isWell('c');
    await isWell('d');
    for (let n = 0; n < 5; n++) {
      await jest.advanceTimersByTimeAsync(4_000);
      await isDown('a');
      await isDown('b');
      await isWell('c');
    }
  });

  it('goes on being left alone when the one that tries finds it out, and comes back to all', async () => {
    out = new Set(everything);
    for (const keyRef of everything.slice(0, 5)) await isDown(keyRef);
    await jest.advanceTimersByTimeAsync(3_000);
    const trying = isDown('f');
    await isLeftAlone('g');
    await trying;
    await isLeftAlone('g');
    out.clear();
    await jest.advanceTimersByTimeAsync(3_500);
    for (const keyRef of everything) await isWell(keyRef);
  });

  it('is there when it does not let the one that tries', async () => {
    out = new Set(everything);
    for (const keyRef of everything.slice(0, 5)) await isDown(keyRef);
    await jest.advanceTimersByTimeAsync(3_000);
    refusal = new KeyFault('denied', 'not this one');
    await expect(opened('f')).rejects.toMatchObject({ kind: 'denied' });
    await isWell('g');
    await isWell('h');
  });
});

/** Who waits for a place, how long, and that it is nobody else's outage. */

import { setTimeout as pause } from 'node:timers/promises';
import { KeyFault } from '../key-provider.js';
import { AuthServiceKeys } from './auth-service-keys.js';
import { guardedProvider } from './guarded-provider.js';
import { KeyServer } from './key-server.fixture.js';
import { Places } from './places.js';

jest.setTimeout(30_000);

describe('places', () => {
  it('are not given to more than there are, and then in order of arrival', async () => {
    const places = new Places(2, 10_000);
    const order: string[] = [];
    const come = async (keyRef: string) => {
      await places.take(keyRef);
      order.push(keyRef);
    };
    const coming = ['a', 'b', 'c', 'd'].map(come);
    await Promise.all(coming.slice(0, 2));
    await pause(20);
    expect(order).toEqual(['a', 'b']);
    places.leave('b');
    places.leave('a');
    await Promise.all(coming);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are not waited for longer than may be, and not lost by it', async () => {
    const places = new Places(1, 20);
    expect(await places.take('a')).toBe(true);
    expect(await Promise.all([places.take('b'), places.take('c')])).toEqual([false, false]);
    places.leave('a');
    expect(await places.take('d')).toBe(true);
  });

  it('are never all one key’s', async () => {
    const places = new Places(4, 20);
    expect(await Promise.all(Array.from({ length: 5 }, () => places.take('a')))).toEqual([true, true, true, false, false]);
    expect(await places.take('b')).toBe(true);
    places.leave('a');
    expect(await places.take('c')).toBe(true);
  });
});

describe('a herd before a key service that is well', () => {
  let answerMs: number;
  let atOnce: number;
  let server: KeyServer;
  let stop: () => Promise<void>;
  let open: (n: number) => Promise<string>;

  beforeEach(async () => {
    atOnce = 0;
    let now = 0;
    server = await KeyServer.start(async () => {
      atOnce = Math.max(atOnce, ++now);
      await pause(answerMs);
      now -= 1;
      return { status: 200, body: { plaintext: Buffer.alloc(32, 1).toString('base64') } };
    });
    const provider = guardedProvider(new AuthServiceKeys({ url: server.url, clientId: 'store', clientSecret: 'a secret' }));
    open = (n) =>
      provider.unwrap(`key ${n}`, { tenantId: `tenant ${n}`, purpose: 'encrypt', version: 1 }, Buffer.alloc(60)).then(
        () => 'opened',
        ({ message }: KeyFault) => message,
      );
    stop = async () => {
      await provider.close?.();
      await server.stop();
    };
  });
  afterEach(() => stop());

  const herd = async (of: number, keyOf = (n: number) => n) => {
    const tally = new Map<string, number>();
    for (const outcome of await Promise.all(Array.from({ length: of }, (_, n) => open(keyOf(n))))) {
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    }
    return Object.fromEntries(tally);
  };

  it.each<[string, (n: number) => number]>([
    ['each for its own key', (n) => n],
    ['all for the key that tenants share', () => 0],
  ])('is answered whole, %s', async (_name, keyOf) => {
    answerMs = 50;
    expect(await herd(400, keyOf)).toEqual({ opened: 400 });
    expect(atOnce).toBeLessThanOrEqual(32);
  });

  it('too large for a slow one is refused in part, which leaves no trace: whoever comes next is answered', async () => {
    answerMs = 800;
    const outcomes = await herd(400);
    const { opened = 0, ...others } = outcomes;
    expect(opened).toBeGreaterThanOrEqual(32);
    expect(Object.keys(others)).toEqual(['the key provider auth-service is asked for too many keys at once']);
    expect(await open(1)).toBe('opened');
  });
});

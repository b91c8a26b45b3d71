/** When keys are fetched, and what goes on while they cannot be. Time is the spec's own; nothing is fetched over a network but in the last case. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors } from 'jose';
import { createTokenForge, publicJwk } from '../../test/harness/token-forge.js';
import { IssuerKeys } from './issuer-keys.js';

const forge = createTokenForge();
const KNOWN = { alg: 'EdDSA', kid: 'EdDSA' };
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let clock: number;
let fetches: number;
let respond: (signal: AbortSignal) => Promise<Response>;
let failures: string[];

const up = async () => Response.json(forge.jwks());
const down = async () => Promise.reject(new TypeError('fetch failed'));
const hanging = (signal: AbortSignal) =>
  new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

function newKeys(): IssuerKeys {
  return new IssuerKeys({
    url: async () => 'http://issuer.test/jwks',
    fetch: (_url, init) => {
      fetches++;
      return respond(init!.signal!);
    },
    onFetchFailure: (reason) => failures.push(reason.message),
  });
}

async function warmKeys(): Promise<IssuerKeys> {
  const keys = newKeys();
  await keys.find(KNOWN);
  fetches = 0;
  return keys;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  clock = 1_000_000;
  fetches = 0;
  failures = [];
  respond = up;
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
});
afterEach(() => jest.restoreAllMocks());

describe('a storm of unknown kids', () => {
  it('causes at most one fetch per 30 s', async () => {
    const keys = await warmKeys();
    const started = clock;
    for (let i = 0; i < 10_000; i++) {
      clock = started + i * 9; // 10,000 tokens in 90 s
      await expect(keys.find({ alg: 'EdDSA', kid: `random-${i}` })).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    }
    expect(fetches).toBeLessThanOrEqual(3);
  });

  it('causes at most one fetch per 30 s while the Auth Service is down, and known keys go on working', async () => {
    const keys = await warmKeys();
    respond = down;
    const started = clock;
    for (let i = 0; i < 10_000; i++) {
      clock = started + i * 90; // 10,000 tokens in 15 minutes
      await expect(keys.find({ alg: 'EdDSA', kid: `random-${i}` })).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
      if (i % 100 === 0) await keys.find(KNOWN);
    }
    expect(fetches).toBeLessThanOrEqual(30);
    expect(failures).toHaveLength(fetches);
  });

  it('shares one fetch between all who wait', async () => {
    const keys = await warmKeys();
    clock += 59 * SECOND;
    const rotated = publicJwk(forge.keys.EdDSA, 'EdDSA', 'rotated');
    respond = async () => Response.json({ keys: [rotated] });
    const found = await Promise.all(Array.from({ length: 50 }, () => keys.find({ alg: 'EdDSA', kid: 'rotated' })));
    expect(new Set(found.map(({ key }) => key)).size).toBe(1);
    expect(fetches).toBe(1);
  });

  it('fetches nothing for a known kid under another algorithm', async () => {
    const keys = await warmKeys();
    clock += 59 * SECOND;
    await expect(keys.find({ alg: 'RS256', kid: 'EdDSA' })).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    expect(fetches).toBe(0);
  });
});

describe('a new kid', () => {
  const rotated = { alg: 'EdDSA', kid: 'rotated' };
  const publish = (...kids: string[]) => {
    respond = async () => Response.json({ keys: kids.map((kid) => publicJwk(forge.keys.EdDSA, 'EdDSA', kid)) });
  };

  it('is not found when a storm has used up the fetch of these 30 s, and is after them', async () => {
    const keys = await warmKeys();
    await expect(keys.find({ alg: 'EdDSA', kid: 'nonsense' })).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    publish('EdDSA', 'rotated');
    clock += 29 * SECOND;
    await expect(keys.find(rotated)).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    clock += SECOND;
    await keys.find(rotated);
    expect(fetches).toBe(2);
  });

  it('is found at once when it is published just after the keys were fetched in turn', async () => {
    const keys = await warmKeys();
    publish('EdDSA', 'rotated');
    await keys.find(rotated);
    expect(fetches).toBe(1);
  });

  it('is found when it is published while the answer without it is under way', async () => {
    const keys = await warmKeys();
    let answer: ((response: Response) => void) | undefined;
    respond = () => new Promise((resolve) => (answer = resolve));
    clock += MINUTE;
    await keys.find(KNOWN);
    const found = keys.find(rotated);
    publish('EdDSA', 'rotated');
    answer?.(Response.json(forge.jwks()));
    await found;
    expect(fetches).toBe(2);
  });
});

describe('known keys', () => {
  it('are refused when nobody could confirm them for 24 hours', async () => {
    const keys = await warmKeys();
    respond = down;
    clock += 24 * HOUR - 1;
    await keys.find(KNOWN);
    clock += 1;
    await expect(keys.find(KNOWN)).rejects.toMatchObject({ code: 'auth/issuer-unavailable' });
  });

  it('are gone 2 minutes after they were removed, even if nobody asked meanwhile', async () => {
    const keys = await warmKeys();
    respond = async () => Response.json({ keys: [] });
    clock += 2 * MINUTE;
    await expect(keys.find(KNOWN)).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
  });

  it.each([
    ['tokens that need them', (keys: IssuerKeys) => keys.find(KNOWN).then(() => {})],
    ['tokens that were checked before', async (keys: IssuerKeys) => keys.refresh()],
  ])('are gone a minute after they were removed where there are %s', async (_name, ask) => {
    const keys = await warmKeys();
    respond = async () => Response.json({ keys: [] });
    const before = keys.generation;
    for (let second = 0; second <= 60; second++) {
      expect(keys.generation).toBe(before);
      await ask(keys);
      await settle();
      clock += SECOND;
    }
    expect(keys.generation).not.toBe(before);
    await expect(keys.find(KNOWN)).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
  });

  it('are of the same generation while the same ones are published', async () => {
    const keys = await warmKeys();
    const before = keys.generation;
    for (let minute = 0; minute < 5; minute++) {
      clock += MINUTE;
      keys.refresh();
      await settle();
    }
    expect([fetches, keys.generation]).toEqual([5, before]);
  });

  it('are gone then also when the Auth Service had been away before', async () => {
    const keys = await warmKeys();
    respond = down;
    clock += 2 * MINUTE;
    await keys.find(KNOWN);
    respond = up;
    clock += MINUTE;
    await keys.find(KNOWN);
    await settle();
    respond = async () => Response.json({ keys: [] });
    clock += 2 * MINUTE;
    await expect(keys.find(KNOWN)).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
  });

  it('are refreshed behind the request from a minute on, which does not wait', async () => {
    const keys = await warmKeys();
    respond = hanging;
    clock += MINUTE;
    await keys.find(KNOWN);
    await keys.find(KNOWN);
    expect(fetches).toBe(1);
  });

  it('do not wait for a slow Auth Service once it is known to be slow', async () => {
    const keys = await warmKeys();
    respond = down;
    clock += 1.2 * MINUTE;
    await keys.find(KNOWN);
    await settle();
    respond = hanging;
    clock += 1.2 * MINUTE;
    await expect(Promise.race([keys.find(KNOWN).then(() => 'answered'), settle().then(() => 'waiting')])).resolves.toBe(
      'answered',
    );
    expect(fetches).toBe(2);
  });

  it.each([
    ['an error page', async () => Response.json({ keys: [] }, { status: 500 })],
    ['a page that is not JSON', async () => new Response('<html>')],
    ['JSON that is not a key set', async () => Response.json({ keys: 'none' })],
    ['null', async () => Response.json(null)],
    ['two sets in one', async () => new Response('{"keys":[],"keys":[]}')],
    ['what never ends', async () => new Response(' '.repeat((1 << 20) + 1))],
  ])('survive %s', async (_name, answer) => {
    const keys = await warmKeys();
    respond = answer;
    clock += 11 * MINUTE;
    await keys.find(KNOWN);
    expect(failures).toHaveLength(1);
  });
});

describe('without any key', () => {
  it('answers 503 with Retry-After, and says why to the operator only', async () => {
    respond = down;
    const keys = newKeys();
    await expect(keys.find(KNOWN)).rejects.toMatchObject({
      status: 503,
      headers: { 'Retry-After': '2' },
      cause: new TypeError('fetch failed'),
    });
    await expect(keys.whyNotReady()).resolves.toBe('no keys of the Auth Service: fetch failed');
  });

  it('asks again after 2, 4, 8 and 16 s, then every 30 s, however many wait', async () => {
    respond = down;
    const keys = newKeys();
    const asked: number[] = [];
    const started = clock;
    for (let second = 0; second <= 100; second++) {
      clock = started + second * SECOND;
      const before = fetches;
      await Promise.allSettled(Array.from({ length: 20 }, () => keys.find(KNOWN)));
      if (fetches > before) asked.push(second);
    }
    expect(fetches).toBe(asked.length);
    expect(asked).toEqual([0, 2, 6, 14, 30, 60, 90]);
  });

  it('works as soon as the Auth Service does', async () => {
    respond = down;
    const keys = newKeys();
    await keys.whyNotReady();
    respond = up;
    clock += 2 * SECOND;
    await keys.find(KNOWN);
    await expect(keys.whyNotReady()).resolves.toBeNull();
  });

  it('does not follow the key set to another address', async () => {
    let followed = 0;
    const server = createServer((request, response) => {
      if (request.url === '/elsewhere') followed++;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const keys = new IssuerKeys({ url: async () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks` });
    await expect(keys.find(KNOWN)).rejects.toMatchObject({ code: 'auth/issuer-unavailable' });
    expect(followed).toBe(0);
    server.closeAllConnections();
    server.close();
  });
});

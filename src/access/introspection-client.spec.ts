/** How the Auth Service is asked about tokens, and what keeps a bad day of it from becoming ours. Nothing goes over a network. */

import { IntrospectionClient } from './introspection-client.js';

const SECOND = 1_000;

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
  answer(response: Response): void;
  fail(error: Error): void;
}

let asked: Asked[];
let respond: ((token: string) => Response | Promise<Response>) | null;

function newClient(options: Partial<ConstructorParameters<typeof IntrospectionClient>[0]> = {}): IntrospectionClient {
  return new IntrospectionClient({
    url: async () => 'https://auth.test/introspect',
    clientId: 'business-store',
    clientSecret: 'secret',
    fetch: (url, init) =>
      new Promise((answer, fail) => {
        asked.push({ url: String(url), init: init as RequestInit, answer, fail });
        init?.signal?.addEventListener('abort', () => fail(init.signal?.reason));
        if (respond)
          Promise.resolve(new URLSearchParams(String(init?.body)).get('token') as string)
            .then(respond)
            .then(answer, fail);
      }),
    ...options,
  });
}

const active = () => Response.json({ active: true });
const down = () => Promise.reject(new TypeError('fetch failed'));
const settle = () => new Promise(setImmediate);
const UNAVAILABLE = { code: 'auth/issuer-unavailable', status: 503 };

beforeEach(() => {
  asked = [];
  respond = active;
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
});
afterEach(() => jest.useRealTimers());

describe('asking about a token', () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ['no answer', down],
    ['an answer of 500', () => new Response(null, { status: 500 })],
    ['an answer of 401, to our own secret', () => new Response(null, { status: 401 })],
    ['an answer of 404', () => Response.json({ active: true }, { status: 404 })],
    ['an answer of 201', () => Response.json({ active: true }, { status: 201 })],
    ['an answer of 400', () => Response.json({ active: true }, { status: 400 })],
    ['a page', () => new Response('<html>active</html>')],
    ['a list', () => Response.json([{ active: true }])],
    ['null', () => Response.json(null)],
    ['nothing about whether it is active', () => Response.json({ sub: 'somebody' })],
    ['active in quotes', () => Response.json({ active: 'true' })],
    ['active as a number', () => Response.json({ active: 1 })],
    ['active twice', () => new Response('{"active":false,"active":true}')],
    ['an answer that is not UTF-8', () => new Response(Buffer.from('{"active":true,"sub":"\xff"}', 'latin1'))],
    ['an answer without end', () => new Response(`{"active":true,"sub":"${'x'.repeat(1 << 20)}"}`)],
  ])('is a 503 with Retry-After for %s, and never an acceptance', async (_name, answer) => {
    respond = answer;
    await expect(newClient().introspect('token')).rejects.toMatchObject({ ...UNAVAILABLE, headers: { 'Retry-After': '1' } });
  });

  it('is a 503 while it is not known where to ask', async () => {
    const url = async () => Promise.reject(new Error('no metadata'));
    await expect(newClient({ url }).introspect('token')).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: new Error('no metadata'),
    });
    expect(asked).toHaveLength(0);
  });

  it('is a 503 after 3 s without an answer', async () => {
    const timeouts: number[] = [];
    jest.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
      timeouts.push(milliseconds);
      return AbortSignal.abort(new Error('timed out'));
    });
    respond = null;
    const refused = newClient({ fetch: async (_url, init) => Promise.reject(init?.signal?.reason) }).introspect('token');
    await expect(refused).rejects.toMatchObject({ ...UNAVAILABLE, cause: new Error('timed out') });
    expect(timeouts).toEqual([3 * SECOND]);
    jest.restoreAllMocks();
  });

  it('does not repeat the token or the secret in what is logged', async () => {
    respond = () => new Response('{"token":"opaque-token","secret');
    const problem = await newClient()
      .introspect('opaque-token')
      .catch((error: Error) => error);
    const { message, cause } = problem as Error;
    expect(`${message} ${(cause as Error).stack}`).not.toMatch(/opaque-token|secret/);
  });

  it('stops for 10 s after five failures in a row, and then tries with one', async () => {
    const client = newClient();
    respond = down;
    for (let n = 0; n < 5; n++) await expect(client.introspect(`${n}`)).rejects.toMatchObject(UNAVAILABLE);
    respond = active;
    jest.advanceTimersByTime(10 * SECOND - 1);
    await expect(client.introspect('early')).rejects.toMatchObject({ ...UNAVAILABLE, headers: { 'Retry-After': '10' } });
    expect(asked).toHaveLength(5);
    jest.advanceTimersByTime(1);
    respond = null;
    const [first, second] = [client.introspect('first'), client.introspect('second')];
    await settle();
    expect(asked).toHaveLength(6);
    asked[5]?.answer(active());
    await first;
    await settle();
    asked[6]?.answer(active());
    await second;
  });

  it('goes on after five answers of 400: whoever sends such tokens keeps nobody out', async () => {
    const client = newClient();
    respond = () => new Response(null, { status: 400 });
    for (let n = 0; n < 20; n++) await expect(client.introspect(`${n}`)).rejects.toMatchObject(UNAVAILABLE);
    respond = active;
    await expect(client.introspect('token')).resolves.toEqual({ active: true });
  });

  it('holds 16 questions at a time, 48 wait, and more are refused at once', async () => {
    respond = null;
    const client = newClient();
    const answers = Array.from({ length: 64 }, (_, n) => client.introspect(`${n}`));
    await settle();
    expect(asked).toHaveLength(16);
    await expect(client.introspect('one too many')).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: new Error('too many questions to the Auth Service are waiting'),
    });
    for (let n = 0; n < 64; n++) {
      asked[n]?.answer(active());
      await settle();
      await settle();
      expect(asked).toHaveLength(Math.min(64, n + 17));
    }
    await Promise.all(answers);
  });

  it('says who we are as RFC 6749 has it, and puts the token in the body alone', async () => {
    await newClient({ clientId: 'business store', clientSecret: 'a:b%c+é' }).introspect('opaque+token/==');
    const [{ url, init }] = asked as [Asked];
    const { authorization } = init.headers as Record<string, string>;
    expect(Buffer.from((authorization as string).slice(6), 'base64').toString()).toBe('business+store:a%3Ab%25c%2B%C3%A9');
    expect([url, init.method, init.redirect, String(init.body)]).toEqual([
      'https://auth.test/introspect',
      'POST',
      'error',
      'token=opaque%2Btoken%2F%3D%3D&token_type_hint=access_token',
    ]);
  });
});

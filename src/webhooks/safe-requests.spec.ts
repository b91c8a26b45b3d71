import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CERTIFICATE, PRIVATE_KEY } from './receiver-certificate.fixture.js';
import { readNetworks } from './safe-address.js';
import type { ConnectorOptions } from './safe-connector.js';
import { type PostOutcome, SafeRequests } from './safe-requests.js';

/** Receivers on 127.0.0.1 and 127.0.0.2; of them 127.0.0.2 stands for the internet, which tests do not reach. */

const PUBLIC = readNetworks('127.0.0.2/32');

interface Receiver {
  readonly port: number;
  readonly requests: { method?: string; headers: IncomingMessage['headers']; body: string }[];
  /** Connections that came, whether anything was sent over them or not. */
  connections: number;
  /** Bytes that came before any TLS. */
  bytes: number;
}

const servers: { close(): void; closeAllConnections?(): void }[] = [];

async function receiver(
  address: string,
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  secure = false,
) {
  const seen: Receiver['requests'] = [];
  const listener: RequestListener = async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    seen.push({ method: request.method, headers: request.headers, body });
    answer(request, response);
  };
  const server: Server = secure ? createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, listener) : createServer(listener);
  const made: Receiver = { port: 0, requests: seen, connections: 0, bytes: 0 };
  server.on('connection', (socket) => {
    made.connections++;
    socket.on('close', () => {
      made.bytes += socket.bytesRead;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  servers.push(server);
  return Object.assign(made, { port: (server.address() as AddressInfo).port });
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

const ok = (_: IncomingMessage, response: ServerResponse) => response.writeHead(204).end();

async function post(url: string, options: Partial<ConnectorOptions> = {}, body = '{}'): Promise<PostOutcome> {
  const client = new SafeRequests({ allowed: PUBLIC, resolve: async () => [], ...options }).open();
  try {
    return await client.post(url, { 'webhook-id': 'one' }, body, new AbortController().signal);
  } finally {
    await client.close();
  }
}

const resolving = (...answers: string[][]) => {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    return answers[Math.min(asked.length, answers.length) - 1] as string[];
  };
  return { resolve, asked };
};

describe('a request', () => {
  it('goes to no address that is not public, and nobody there hears of it', async () => {
    const inside = await receiver('127.0.0.1', ok);
    const literals = ['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.1', '[::ffff:127.0.0.1]', '127。0。0。1'];
    for (const host of [...literals, 'receiver.test', 'receiver.test.', 'xn--bcher-kva.test']) {
      const { resolve } = resolving(['127.0.0.1']);
      const outcome = await post(`http://${host}:${inside.port}/`, { resolve });
      expect([host, outcome]).toEqual([host, { status: null, error: 'address', retryAfter: null, ms: expect.any(Number) }]);
    }
    expect(inside.connections).toBe(0);
  });

  it('tells a name of inside in no way from a name that nobody has', async () => {
    const told = async (addresses: string[]) => {
      const { ms: _, ...outcome } = await post('http://db.internal/', { resolve: async () => addresses });
      return outcome;
    };
    expect(await told(['10.0.0.5'])).toEqual(await told([]));
    const failing = async () => Promise.reject(new Error('ENOTFOUND'));
    expect((await post('http://db.internal/', { resolve: failing })).error).toBe('address');
  });

  it('goes to the very address that was judged: a name that means another one a moment later is not asked again', async () => {
    const [inside, outside] = [await receiver('127.0.0.1', ok), await receiver('127.0.0.2', ok)];
    const { resolve, asked } = resolving(['127.0.0.2'], ['127.0.0.1']);
    expect((await post(`http://receiver.test:${outside.port}/`, { resolve })).status).toBe(204);
    expect([asked, inside.connections, outside.requests.length]).toEqual([['receiver.test'], 0, 1]);
  });

  it('is broken off before a byte is sent when something else than was judged is at the other end', async () => {
    const inside = await receiver('127.0.0.1', ok);
    const dial = () => connect({ host: '127.0.0.1', port: inside.port });
    const { resolve } = resolving(['127.0.0.2']);
    expect((await post(`http://receiver.test:${inside.port}/`, { resolve, dial })).error).toBe('address');
    await pause(50);
    expect([inside.connections, inside.requests.length, inside.bytes]).toEqual([1, 0, 0]);
  });

  it('goes to those of several addresses that may be reached, and on to the next when nobody answers', async () => {
    const outside = await receiver('127.0.0.2', ok);
    const { resolve } = resolving(['127.0.0.1', '10.0.0.1', '127.0.0.2']);
    expect((await post(`http://receiver.test:${outside.port}/`, { resolve })).status).toBe(204);
    const two = await receiver('127.0.0.3', ok);
    const both = { allowed: readNetworks('127.0.0.2/31'), ...resolving(['127.0.0.2', '127.0.0.3']) };
    expect((await post(`http://receiver.test:${two.port}/`, both)).status).toBe(204);
  });

  it('goes to a public address by https and a port of the web only', async () => {
    const dial = jest.fn();
    for (const url of ['http://receiver.test/', 'https://receiver.test:5432/', 'https://receiver.test:25/']) {
      const outcome = await post(url, { resolve: async () => ['8.8.8.8'], dial });
      expect([url, outcome.error]).toEqual([url, 'address']);
    }
    expect(dial).not.toHaveBeenCalled();
  });

  it('is sent as it is, without cookies and proxies of the surroundings', async () => {
    const outside = await receiver('127.0.0.2', (_, response) => response.writeHead(200, { 'set-cookie': 'a=b' }).end('x'));
    const before = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1', NODE_USE_ENV_PROXY: '1' });
    const client = new SafeRequests({ allowed: PUBLIC, resolve: async () => [] }).open();
    const headers = { 'webhook-id': 'one' };
    const url = `http://127.0.0.2:${outside.port}/`;
    for (let n = 0; n < 6; n++) {
      expect((await client.post(url, headers, '{"ä":1}', new AbortController().signal)).status).toBe(200);
    }
    await client.close();
    process.env = before;
    const sent = outside.requests.map(({ method, headers: { cookie }, body }) => [method, cookie, body]);
    expect(sent).toEqual(Array.from({ length: 6 }, () => ['POST', undefined, '{"ä":1}']));
    // Connections are used again.
    expect(outside.connections).toBeLessThan(4);
  });
});

describe('a redirect', () => {
  const leadingTo = (location: string, status = 307) =>
    receiver('127.0.0.2', (_, response) => response.writeHead(status, { location }).end());

  it('to what is not public is not followed, wherever it leads', async () => {
    const inside = await receiver('127.0.0.1', ok);
    const places = [`http://127.0.0.1:${inside.port}/`, `//127.0.0.1:${inside.port}/`, `http://0x7f000001:${inside.port}/`];
    for (const place of [...places, 'file:///etc/passwd', 'http://me@127.0.0.2/', 'http://', 'ftp://127.0.0.2/']) {
      const { port } = await leadingTo(place);
      const { status, error } = await post(`http://127.0.0.2:${port}/`);
      expect([place, status, error]).toEqual([place, null, 'redirect']);
    }
    const { port } = await leadingTo(`http://receiver.test:${inside.port}/`);
    const outcome = await post(`http://127.0.0.2:${port}/`, { resolve: async () => ['127.0.0.1'] });
    expect([outcome.error, inside.connections]).toEqual(['address', 0]);
  });

  it('is looked up again: a name that was public for the first request is judged for the second', async () => {
    const inside = await receiver('127.0.0.1', ok);
    const { port } = await leadingTo(`http://other.test:${inside.port}/`);
    const { resolve, asked } = resolving(['127.0.0.2'], ['127.0.0.1']);
    expect((await post(`http://receiver.test:${port}/`, { resolve })).error).toBe('address');
    expect([asked, inside.connections]).toEqual([['receiver.test', 'other.test'], 0]);
  });

  it('that would make a GET of it, that leads nowhere, or the fourth one, is a failure', async () => {
    for (const status of [301, 302, 303, 304]) {
      const { port } = await leadingTo('/elsewhere', status);
      expect(await post(`http://127.0.0.2:${port}/`)).toMatchObject({ status, error: 'status' });
    }
    const bare = await receiver('127.0.0.2', (_, response) => response.writeHead(307).end());
    expect((await post(`http://127.0.0.2:${bare.port}/`)).error).toBe('redirect');
    const circle = await leadingTo('/again');
    expect((await post(`http://127.0.0.2:${circle.port}/`)).error).toBe('redirect');
    expect(circle.requests).toHaveLength(4);
  });

  it('of 307 or 308 keeps method, body and signature', async () => {
    const end = await receiver('127.0.0.2', ok);
    for (const status of [307, 308]) {
      const { port } = await leadingTo(`http://127.0.0.2:${end.port}/end`, status);
      expect(await post(`http://127.0.0.2:${port}/`, {}, '{"kept":true}')).toMatchObject({ status: 204, error: null });
    }
    expect(end.requests.map(({ method, body, headers }) => [method, body, headers['webhook-id']])).toEqual([
      ['POST', '{"kept":true}', 'one'],
      ['POST', '{"kept":true}', 'one'],
    ]);
  });
});

describe('TLS', () => {
  it('with a certificate that nobody trusts, or of another name, is a failure; with a good one it is answered', async () => {
    const secure = await receiver('127.0.0.2', ok, true);
    const resolve = async () => ['127.0.0.2'];
    const error = async (host: string, ca?: string) => (await post(`https://${host}:${secure.port}/`, { resolve, ca })).error;
    expect(await error('receiver.test')).toBe('tls');
    expect(await error('other.test', CERTIFICATE)).toBe('tls');
    expect(await error('127.0.0.2', CERTIFICATE)).toBe('tls');
    expect(secure.requests).toHaveLength(0);
    expect(await error('receiver.test', CERTIFICATE)).toBeNull();
    expect(await error('receiver.test.', CERTIFICATE)).toBeNull();
    const plain = await receiver('127.0.0.2', ok);
    expect((await post(`https://127.0.0.2:${plain.port}/`)).error).toBe('tls');
  });
});

describe('an answer', () => {
  it('is a status and no more, and tells when to come again', async () => {
    const answering = async (status: number, headers: Record<string, string>) => {
      const { port } = await receiver('127.0.0.2', (_, response) => response.writeHead(status, headers).end('secret'));
      const { ms: _, ...outcome } = await post(`http://127.0.0.2:${port}/`);
      return outcome;
    };
    expect(await answering(200, {})).toEqual({ status: 200, error: null, retryAfter: null });
    expect(await answering(500, {})).toEqual({ status: 500, error: 'status', retryAfter: null });
    expect(await answering(429, { 'retry-after': '120' })).toEqual({ status: 429, error: 'status', retryAfter: 120 });
    expect(await answering(503, { 'retry-after': 'soon' })).toEqual({ status: 503, error: 'status', retryAfter: null });
    const date = new Date(Date.now() + 60_000).toUTCString();
    expect((await answering(503, { 'retry-after': date })).retryAfter).toBeGreaterThan(50);
    expect((await answering(503, { 'retry-after': new Date(0).toUTCString() })).retryAfter).toBe(0);
  });

  it('without end is cut off, and so is one of junk, of headers without end, or none at all', async () => {
    let sent = 0;
    const endless = await receiver('127.0.0.2', async (_, response) => {
      response.writeHead(200).on('error', () => {});
      while (!response.destroyed && sent < 100_000_000) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536)))
          await Promise.race([pause(200), new Promise((drained) => response.once('drain', drained))]);
      }
    });
    expect(await post(`http://127.0.0.2:${endless.port}/`)).toMatchObject({ status: 200, error: null });
    expect(sent).toBeLessThan(20_000_000);

    const raw = async (answer: string) => {
      const server = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer)));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
      servers.push(server);
      return (await post(`http://127.0.0.2:${(server.address() as AddressInfo).port}/`)).error;
    };
    expect(await raw('')).toBe('response');
    expect(await raw('SSH-2.0-OpenSSH_9.2\r\n')).toBe('response');
    expect(await raw(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}\r\n`)).toBe('response');
    expect((await post('http://127.0.0.2:1/')).error).toBe('connect');
  });

  it('that does not come, or drips, is given up after ten seconds in all', async () => {
    const silent = await receiver('127.0.0.2', () => {});
    const dripping = await receiver('127.0.0.2', (_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(drip));
    });
    const outcomes = await Promise.all([silent, dripping].map(({ port }) => post(`http://127.0.0.2:${port}/`)));
    expect(outcomes.map(({ status, error }) => [status, error])).toEqual([
      [null, 'timeout'],
      [200, null],
    ]);
    for (const { ms } of outcomes) expect(ms).toBeLessThan(12_000);
  }, 20_000);

  it('is not waited for any longer when the service stops', async () => {
    const silent = await receiver('127.0.0.2', () => {});
    const client = new SafeRequests({ allowed: PUBLIC, resolve: async () => [] }).open();
    const stop = new AbortController();
    const posted = client.post(`http://127.0.0.2:${silent.port}/`, {}, '{}', stop.signal);
    setTimeout(() => stop.abort(new Error('stopping')), 50);
    await expect(posted).rejects.toThrow('stopping');
    await client.close();
  });
});

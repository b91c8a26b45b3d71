import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DevelopmentKeyService } from '../../src/keys/providers/development-key-service.js';
import { LocalKeyring } from '../../src/keys/providers/local-keyring.js';

/** A key service that really keeps keys, and behaves as a test tells it, to all tenants or to some. */
export interface KeyService {
  /** As settings: the service is its client. */
  readonly settings: Readonly<Record<string, string>>;
  /** @param tenants those that it behaves so to; the others it treats well. Default: all. */
  behave(how: Behaviour, ...tenants: readonly string[]): void;
  /** How often it was asked since the last time. */
  asked(): number;
  stop(): Promise<void>;
}

/**
 * `hanging` answers after a minute; `refusing` breaks every connection; `wrong` hands over 32 bytes of its own, `foreign` the key that
 * another tenant was given last, `truncated` half of an answer and `short` half of a key.
 */
export type Behaviour =
  | 'well'
  | 'hanging'
  | 'refusing'
  | 'broken'
  | 'throttled'
  | 'denied'
  | 'wrong'
  | 'foreign'
  | 'truncated'
  | 'short';

const HANGING_MS = 60_000;
const CLIENT = { AUTH_CLIENT_ID: 'store', AUTH_CLIENT_SECRET: 'a secret: 100%' };

export async function startKeyService(): Promise<KeyService> {
  const folder = await mkdtemp(join(tmpdir(), 'business-store-test-keys-'));
  const keys = new DevelopmentKeyService(new LocalKeyring(join(folder, 'keyring.jsonl')));
  let behaviour: Behaviour = 'well';
  let only: readonly string[] = [];
  let questions = 0;
  const handedOver = new Map<string, string>();

  const plaintext = (tenant: string, purpose: string, really: string): string => {
    if (behaviour === 'wrong') return Buffer.alloc(32, 0x5a).toString('base64');
    if (behaviour === 'short') return Buffer.from(really, 'base64').subarray(16).toString('base64');
    if (behaviour === 'foreign')
      return [...handedOver].find(([of]) => of !== `${tenant} ${purpose}` && of.endsWith(purpose))?.[1] ?? really;
    return really;
  };

  const server = createServer(async (request, response) => {
    questions += 1;
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { method = '', url: path = '' } = request;
    const { tenantId = '', purpose = '' } = text === '' ? {} : (JSON.parse(text).context ?? {});
    const about = tenantId === '' ? decodeURIComponent(path) : String(tenantId);
    const how = only.length === 0 || only.some((tenant) => about.includes(tenant)) ? behaviour : 'well';
    if (how === 'refusing') return void request.socket.destroy();
    if (how === 'hanging') await pause(HANGING_MS, undefined, { ref: false });
    if (how === 'broken') return void response.writeHead(500).end('{"error":"a stack trace"}');
    if (how === 'throttled') return void response.writeHead(429, { 'retry-after': '1' }).end('{}');
    if (how === 'denied') return void response.writeHead(403).end('{}');
    const { status, body, headers } = await keys.answer(method, path, text);
    const said = body as { plaintext?: string } | undefined;
    if (said?.plaintext !== undefined && how === 'well') handedOver.set(`${tenantId} ${purpose}`, said.plaintext);
    const told =
      said?.plaintext !== undefined && how !== 'well' ? { plaintext: plaintext(tenantId, purpose, said.plaintext) } : said;
    const json = told === undefined ? '' : JSON.stringify(told);
    const sent = how === 'truncated' ? json.slice(0, json.length / 2) : json;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    settings: { KEY_PROVIDER: 'auth-service', KEY_SERVICE_URL: url, AUTH_INTROSPECTION_URL: `${url}/introspect`, ...CLIENT },
    behave: (how, ...tenants) => {
      behaviour = how;
      only = tenants;
    },
    asked: () => {
      const count = questions;
      questions = 0;
      return count;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

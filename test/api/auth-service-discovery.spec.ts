/** What the service finds out about its Auth Service by itself, and what it does until then. */

import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type AuthServer, startAuthServer } from '../harness/auth-server.js';
import { eventually } from '../harness/eventually.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(60_000);

let around: Surroundings;
let auth: AuthServer;

beforeAll(async () => {
  [around, auth] = await Promise.all([createSurroundings(), startAuthServer()]);
});

afterEach(() => auth.behave('well'));

afterAll(async () => {
  await auth.stop();
  await around.stop();
});

const settingsWith = (more: Record<string, string>) =>
  readSettings({ ...around.environment, ...auth.settings, AUTH_CLIENT_ID: '', AUTH_CLIENT_SECRET: '', ...more });

async function withService(more: Record<string, string>, use: (service: RunningService) => Promise<void>): Promise<void> {
  const service = await startService(settingsWith(more), createLogger('silent'));
  await use(service).finally(() => service.stop());
}

const system = () => auth.forge.token({ tenant_id: undefined, roles: ['system_admin'] });
const ask = ({ url }: RunningService, path = '/api/v1/session', token = system()) =>
  fetch(url + path, { headers: { authorization: `Bearer ${token}` } });

describe('the settings of an Auth Service', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['a name that is no address, and no keys', { AUTH_ISSUER: 'urn:acme' }, /AUTH_JWKS_URL is missing: AUTH_ISSUER is no http/],
    ['a name that is not quite one', { AUTH_ISSUER: 'https://' }, /AUTH_JWKS_URL is missing: AUTH_ISSUER is no http/],
    [
      'a name that is no address, and nowhere to ask',
      { AUTH_ISSUER: 'urn:acme', AUTH_JWKS_URL: 'http://x', AUTH_CLIENT_ID: 'a', AUTH_CLIENT_SECRET: 'b' },
      /1 setting is wrong:\n.*AUTH_INTROSPECTION_URL is missing: AUTH_ISSUER is no http/,
    ],
    [
      'a client without its secret',
      { AUTH_CLIENT_ID: 'store' },
      /AUTH_CLIENT_SECRET is missing: it is needed with AUTH_CLIENT_ID/,
    ],
    [
      'a secret without its client',
      { AUTH_CLIENT_SECRET: 'hidden' },
      /AUTH_CLIENT_ID is missing: it is needed with AUTH_CLIENT_SECRET/,
    ],
    ['somewhere to ask, as nobody', { AUTH_INTROSPECTION_URL: 'http://x' }, /AUTH_CLIENT_ID is missing/],
    ['keys of nobody', { AUTH_ISSUER: '', AUTH_JWKS_URL: 'http://x' }, /AUTH_ISSUER is missing: it is needed with AUTH_JWKS_URL/],
  ])('are refused: %s', (_name, settings, fault) => {
    expect(() => settingsWith(settings)).toThrow(fault);
    expect(() => settingsWith(settings)).not.toThrow(/hidden/);
  });
});

describe('an Auth Service that is known by its name alone', () => {
  it.each(['down', 'broken'] as const)(
    'and is %s at the start leaves the service waiting, and no longer than that',
    async (how) => {
      auth.behave(how);
      await withService({}, async (service) => {
        const refused = await ask(service);
        expect([refused.status, (await refused.json()).type]).toEqual([503, 'urn:bss:problem:auth/issuer-unavailable']);
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        const ready = await fetch(`${service.url}/readyz`);
        expect([ready.status, (await ready.json()).checks.auth]).toEqual([
          503,
          expect.stringMatching(/^no keys of the Auth Service: /),
        ]);
        expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
        auth.behave('well');
        await eventually(async () => (await fetch(`${service.url}/readyz`)).status === 200);
        expect((await ask(service)).status).toBe(200);
      });
    },
  );

  it('is asked for its metadata once, and not at all where its keys are set', async () => {
    auth.asked(null);
    await withService({}, async (service) => {
      expect((await ask(service)).status).toBe(200);
      expect((await ask(service)).status).toBe(200);
    });
    expect([auth.asked('/metadata'), auth.asked('/jwks')]).toEqual([1, 1]);
    await withService({ AUTH_JWKS_URL: `${auth.issuer}/jwks` }, async (service) => {
      expect((await ask(service)).status).toBe(200);
    });
    expect([auth.asked('/metadata'), auth.asked('/jwks')]).toEqual([0, 1]);
  });
});

describe('a service that is no client of its Auth Service', () => {
  it('refuses opaque tokens, and asks nobody', async () => {
    await withService({}, async (service) => {
      auth.asked(null);
      const token = auth.opaque({ tenant_id: undefined, roles: ['system_admin'] });
      const refused = await ask(service, undefined, token);
      expect([refused.status, (await refused.json()).type]).toEqual([401, 'urn:bss:problem:auth/invalid-token']);
      expect(auth.asked(null)).toBe(0);
    });
  });
});

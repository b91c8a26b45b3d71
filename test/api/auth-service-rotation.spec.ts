/**
 * The keys of the Auth Service change while two instances are asked 200 times a second: nobody with a good token is refused, and
 * everybody with one of a key that is gone. ROTATION_SECONDS makes it longer, for people.
 */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type AuthServer, startAuthServer } from '../harness/auth-server.js';
import { eventually } from '../harness/eventually.js';
import { send } from '../harness/keep-alive-client.js';
import { apiOf } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { publicJwk } from '../harness/token-forge.js';

const SECONDS = Number(process.env.ROTATION_SECONDS ?? 9);
const PER_SECOND = 200;
const CLIENTS = 20;

jest.setTimeout((SECONDS + 60) * 1000);

let around: Surroundings;
let auth: AuthServer;
let services: RunningService[];
let tenantId: string;

interface Signer {
  readonly key: KeyObject;
  readonly kid: string;
}

beforeAll(async () => {
  [around, auth] = await Promise.all([createSurroundings(), startAuthServer()]);
  // Known from the first fetch on: the first kid that is missed is that of the rotation.
  auth.publish(...auth.forge.jwks().keys, jwkOf(first));
  const settings = readSettings({ ...around.environment, ...auth.settings, RATE_LIMIT_PER_SECOND: '0' });
  services = [await startService(settings, createLogger('silent')), await startService(settings, createLogger('silent'))];
  const system = async () => auth.forge.token({ tenant_id: undefined, roles: ['system_admin'] });
  tenantId = (await apiOf((services[0] as RunningService).url, system).tenant()).id;
});

afterAll(async () => {
  jest.restoreAllMocks();
  for (const service of services) await service.stop();
  await auth.stop();
  await around.stop();
});

const newSigner = (kid: string): Signer => ({ key: generateKeyPairSync('ed25519').privateKey, kid });
const jwkOf = ({ key, kid }: Signer) => publicJwk(key, 'EdDSA', kid);
const first = newSigner('first');
let numbers = 0;
const signed = ({ key, kid }: Signer) =>
  auth.forge.forge(auth.forge.header({ kid }), auth.forge.claims({ tenant_id: tenantId, jti: numbers++, exp: 4e9 }), key);

const sessionOf = (at: number) => `${(services[at] as RunningService).url}/api/v1/session`;
const statusAt = async (at: number, token: string) => (await send(undefined, sessionOf(at), { method: 'GET', token })).status;

/** Every request with a token of its own, so that none is known from before; each client goes from one instance to the other. */
function hammer(token: () => string, signal: AbortSignal) {
  const answers = new Map<number, number>();
  const client = async (index: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await wait((index * 1000) / PER_SECOND);
    for (let at = index, due = performance.now(); !signal.aborted; at++) {
      const { status } = await send(agent, sessionOf(at % 2), { method: 'GET', token: token() });
      answers.set(status, (answers.get(status) ?? 0) + 1);
      due += (CLIENTS * 1000) / PER_SECOND;
      await wait(Math.max(0, due - performance.now()));
    }
    agent.destroy();
  };
  return { answers, ended: Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index))) };
}

it('no good token is refused while keys come and go, and one of a key that is gone is after a minute', async () => {
  let signer = first;
  auth.asked(null);
  const ending = new AbortController();
  const load = hammer(() => signed(signer), ending.signal);
  const former: { token: string; at: number }[] = [];
  const third = (SECONDS / 3) * 1000;

  for (const kid of ['second', 'third'].slice(0, SECONDS > 60 ? 2 : 1)) {
    await wait(third);
    // Signed with at once: no time for anybody to hear of it beforehand.
    const next = newSigner(kid);
    auth.publish(jwkOf(signer), jwkOf(next));
    const left = signed(signer);
    signer = next;
    await wait(third / 2);
    auth.publish(jwkOf(signer));
    former.push({ token: left, at: performance.now() });
  }
  if (SECONDS > 60) {
    for (const { token, at } of former) {
      await eventually(async () => (await statusAt(0, token)) === 401 && (await statusAt(1, token)) === 401);
      process.stdout.write(
        `a key that was removed was refused after ${((performance.now() - at) / 1000).toFixed(1)} s at the latest\n`,
      );
    }
  } else {
    await wait(third);
    // A minute later.
    const elapsed = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => elapsed() + 60_000);
    for (const at of [0, 1]) await eventually(async () => (await statusAt(at, former[0]?.token as string)) === 401);
  }
  ending.abort();
  await load.ended;

  const total = load.answers.get(200) ?? 0;
  if (SECONDS > 60) process.stdout.write(`${total} answers of 200 in ${SECONDS} s, ${auth.asked('/jwks')} fetches of keys\n`);
  expect([...load.answers.keys()]).toEqual([200]);
  expect(total).toBeGreaterThan((SECONDS * PER_SECOND) / 4);
});

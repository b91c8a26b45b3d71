/** What a key costs on the wire, what becomes of it when the process dies at its commit, and when tables change under it. */

import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import type { RunningService } from '../../src/start.js';
import { startChildService } from '../harness/child-service.js';
import { withClient } from '../harness/database.js';
import { apiOf, type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { type Aim, type StatementKiller, startStatementKiller } from '../harness/statement-killer.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { tapWire } from '../harness/wire-tap.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

let around: Surroundings;
let test: TestService;
let tenant: TestTenant;
let token: string;
let killer: StatementKiller;

const ITEM = {
  type: 'object',
  additionalProperties: false,
  properties: { text: { type: 'string' }, stars: { type: 'integer' } },
};
/** The statement that keeps the answer, which travels with COMMIT. */
const keeps = (sql: string): boolean => sql.includes('update business_store_service.idempotency_keys');
const NEVER: Aim = { at: Number.POSITIVE_INFINITY, moment: 'before' };

beforeAll(async () => {
  around = await createSurroundings();
  killer = await startStatementKiller(around.database.runtimeUrl);
  test = await startTestService({}, around);
  tenant = await test.tenant();
  await tenant.define('item', ITEM);
  token = await test.token(['admin'], tenant.id);
});

afterAll(async () => {
  await killer.close();
  await test.stop();
});

/** A request to the instance at `url`, as the admin of the tenant. */
const at = (url: string) => (method: Method, path: string, key?: string) => {
  const request = apiOf(url, around.token).request(token, method, `/api/v1/tenants/${tenant.id}${path}`);
  return key === undefined ? request : request.set('idempotency-key', key);
};
const here = (method: Method, path: string, key?: string) => at(test.service.url)(method, path, key);

async function throughKiller(settings: Record<string, string>, work: (url: string) => Promise<void>): Promise<void> {
  const environment = { DATABASE_URL: killer.through(around.database.runtimeUrl), DATABASE_POOL_SIZE: '1', ...settings };
  const { service } = await startTestService(environment, around);
  try {
    await work(service.url);
  } finally {
    await service.stop();
  }
}

describe('on the wire', () => {
  it('a write without a key is what it was: a single statement, or two when it reads first', async () => {
    await throughKiller({}, async (url) => {
      const call = at(url);
      const { body } = await call('post', '/records/item').send({ text: 'a' }).expect(201);
      const flushes = async (request: PromiseLike<unknown>): Promise<number> => {
        killer.arm(NEVER);
        await request;
        return killer.sent.length;
      };
      const path = `/records/item/${body.id}`;
      expect([
        await flushes(call('post', '/records/item').send({ text: 'a' }).expect(201)),
        await flushes(call('patch', path).send({ text: 'b' }).expect(200)),
        await flushes(call('delete', path).expect(204)),
      ]).toEqual([1, 2, 2]);
      expect(killer.sent.join()).not.toMatch(/idempotency|bss_(claim|find|keep)/);
      // The claim with what begins the transaction, the answer with its commit.
      const key = randomUUID();
      const insert = () => call('post', '/records/item', key).send({ text: 'a' }).expect(201);
      expect([await flushes(insert()), await flushes(insert())]).toEqual([3, 2]);
    });
  });
});

describe('a pool of one connection', () => {
  it('is enough for many keyed writes at once, to entities that nobody has asked for yet', async () => {
    await throughKiller({}, async (url) => {
      killer.arm(NEVER);
      const keys = Array.from({ length: 10 }, () => randomUUID());
      const answers = await Promise.all(
        [...keys, ...keys].map((key) => at(url)('post', '/records/item', key).send({ text: 'at once' })),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(keys.length);
    });
  });
});

describe('repeats of a request that waits for a lock', () => {
  it('hold no connections meanwhile: others are served, and in the end all get its answer', async () => {
    await throughKiller({ DATABASE_POOL_SIZE: '2', TENANT_POOL_SHARE: '100' }, async (url) => {
      killer.arm(NEVER);
      const call = at(url);
      const path = `/records/item/${(await call('post', '/records/item').send({ text: 'a' }).expect(201)).body.id}`;
      const key = randomUUID();
      const repeats = await withClient(around.database.adminUrl, async (client) => {
        await client.query('begin');
        await client.query(`lock table "${tenant.schemaName}".item in share row exclusive mode`);
        // Sent by being awaited, hence the map.
        const sent = Array.from({ length: 5 }, () => call('patch', path, key).send({ text: 'b' })).map((one) =>
          one.then((it) => it),
        );
        for (let reads = 0; reads < 3; reads++) await call('get', path).expect(200);
        await client.query('rollback');
        return Promise.all(sent);
      });
      expect(new Set(repeats.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(repeats[0]?.body).toMatchObject({ text: 'b', revision: 2 });
    });
  });
});

describe('a table that changed unnoticed', () => {
  it('is met with a key, and the write done once with the new definition', async () => {
    await tenant.define('moving', ITEM);
    const call = here;
    await call('post', '/records/moving').send({ stars: 1 }).expect(201);
    const { text, ...others } = ITEM.properties;
    await around.database.admin(`alter table "${tenant.schemaName}".moving rename column text to words`);
    await around.database.admin(
      'update business_store_service.tenant_schemas set document = $2, version = version + 1 where tenant_id = $1 and name = $$moving$$',
      [tenant.id, JSON.stringify({ ...ITEM, properties: { words: text, ...others } })],
    );
    const key = randomUUID();
    const insert = () => call('post', '/records/moving', key).send({ stars: 2 });
    const [first, second] = [await insert(), await insert()];
    expect([first.status, second.body, second.headers['idempotency-replayed']]).toEqual([201, first.body, 'true']);
    expect((await call('get', '/records/moving?stars=eq.2')).body).toHaveLength(1);
  });
});

describe('a process that is killed at its commit', () => {
  let another: RunningService;

  beforeAll(async () => {
    another = await test.another();
  });

  afterAll(() => another.stop());

  /** @param aim makes the child die at the statement that keeps the answer. */
  async function killed(databaseUrl: string, text: string, aim: (die: () => void) => void): Promise<Response[]> {
    const child = await startChildService({ ...around.environment, DATABASE_URL: databaseUrl });
    const key = randomUUID();
    try {
      aim(() => child.signal('SIGKILL'));
      await expect(at(child.url)('post', '/records/item', key).send({ text })).rejects.toThrow(/hang up|ECONNRESET/);
      expect((await child.ended).signal).toBe('SIGKILL');
    } finally {
      child.signal('SIGKILL');
    }
    // The server may still be at it: a repeat waits for the end of the transaction.
    const repeats = [test.service, another].map(({ url }) => at(url)('post', '/records/item', key).send({ text }).expect(201));
    return Promise.all(repeats);
  }

  const replays = (answers: readonly Response[]) => answers.map(({ headers }) => headers['idempotency-replayed'] ?? 'no').sort();
  const found = async (text: string): Promise<unknown[]> => (await here('get', `/records/item?text=eq.${text}`)).body;

  it('after the server heard of it: the answer is kept, and every repeat gets it', async () => {
    killer.arm(NEVER);
    const answers = await killed(killer.through(around.database.runtimeUrl), 'after', (die) =>
      killer.arm({ at: keeps, moment: 'after', onCut: die }),
    );
    expect(killer.hasCut).toBe(true);
    expect(replays(answers)).toEqual(['true', 'true']);
    const stored = await found('after');
    expect([stored.length, ...answers.map(({ body }) => body)]).toEqual([1, stored[0], stored[0]]);
  });

  it('before the server heard of it: nothing is kept, and the first repeat does it', async () => {
    const tap = await tapWire(around.database.runtimeUrl);
    const answers = await killed(tap.url, 'before', (die) => {
      tap.judge = ({ sql }) => {
        if (!keeps(sql)) return 'pass';
        die();
        return 'cut before';
      };
    });
    await tap.stop();
    expect(replays(answers)).toEqual(['no', 'true']);
    const stored = await found('before');
    expect([stored.length, ...answers.map(({ body }) => body)]).toEqual([1, stored[0], stored[0]]);
  });
});

/** Keys that cannot be had while a property is encrypted: the change waits for them, and everything else goes on. */

import { rename } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { withClient } from '../harness/database.js';
import { type Call, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(60_000);

/** As short as can be. */
const CACHE_SECONDS = 2;

let around: Surroundings;
let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({ KEY_CACHE_SECONDS: String(CACHE_SECONDS) }, around);
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(() => test?.stop());

const latest = async (name: string) => (await call('get', `/entities/${name}/changes`).expect(200)).body.items[0];

it('an encryption waits for the keys, while records are read, and goes on when they are back', async () => {
  await tenant.define('keyed', document({ a: { type: 'string', encrypted: true } }));
  await store(call, 'keyed', [{ a: 'x' }]);
  await tenant.define('plain', document({ a: { type: 'string' } }));
  await store(call, 'plain', [{ a: 'x' }, { a: 'y' }]);
  const keyring = around.environment.KEYRING_FILE as string;
  const wanted = document({ a: { type: 'string', encrypted: true } });
  const { hash } = await planOf(call, 'plain', wanted);
  // Whoever reads the table keeps the change from its first step.
  await withClient(test.database.adminUrl, async (reader) => {
    await reader.query('begin');
    await reader.query(`select from "${tenant.schemaName}".plain`);
    const request = { document: wanted, hash, allow: ['blocking'] };
    await call('post', '/entities/plain/apply').set('prefer', 'wait=0').send(request).expect(202);
    await rename(keyring, `${keyring}.away`);
    await eventually(async () => (await call('get', '/records/keyed')).body.type === 'urn:bss:problem:key/unavailable');
    await reader.query('commit');
  });
  await eventually(async () => {
    const { rows } = await test.database.admin(
      `select from pg_attribute where attrelid = '"${tenant.schemaName}".plain'::regclass and attname = 'a~sealed~new'`,
    );
    return rows.length === 1;
  });
  await pause(500);
  expect(await latest('plain')).toMatchObject({ status: 'running', error: null });
  // Whatever is written has to be encrypted too by now.
  expect((await call('post', '/records/plain').send({ a: 'z' })).body.type).toBe('urn:bss:problem:key/unavailable');
  expect(await contents(call, 'plain')).toEqual([{ a: 'x' }, { a: 'y' }]);
  await rename(`${keyring}.away`, keyring);
  await eventually(async () => (await latest('plain')).status !== 'running');
  expect(await latest('plain')).toMatchObject({ status: 'done', error: null });
  expect(await contents(call, 'plain')).toEqual([{ a: 'x' }, { a: 'y' }]);
  const { rows } = await test.database.admin(`select "a~sealed" as cell from "${tenant.schemaName}".plain`);
  expect(rows.map(({ cell }) => cell[0])).toEqual([1, 1]);
  expect(await driftOf(call, 'plain')).toEqual([]);
});

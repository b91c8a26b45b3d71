/** Imports that nobody has touched for a month are forgotten; what they stored stays. */

import { ImportSweep } from '../../src/imports/import-sweep.js';
import { createLogger } from '../../src/platform/log.js';
import { startTestService, type TestService } from '../harness/service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});

afterAll(() => test.stop());

it('an import is forgotten after thirty days and not before, and its records stay', async () => {
  const tenant = await test.tenant();
  await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } } });
  const call = await tenant.as();
  const imported = async (title: string): Promise<string> => {
    const request = call('post', '/imports/note').set('content-type', 'application/x-ndjson');
    return (await request.send(`${JSON.stringify({ title })}\n`).expect(200)).body.id;
  };
  const [old, young] = [await imported('old'), await imported('young')];
  const age = (id: string, interval: string) =>
    test.database.admin(`update business_store_service.imports set updated_at = now() - $2::interval where import_id = $1`, [
      id,
      interval,
    ]);
  await age(old, '30 days 1 minute');
  await age(young, '29 days 23 hours');
  await new ImportSweep(test.service.controlPlane, createLogger('silent')).sweep();
  await call('get', `/imports/${old}`).expect(404);
  await call('get', `/imports/${young}`).expect(200);
  expect((await call('get', '/records/note?order=title').expect(200)).body).toMatchObject([{ title: 'old' }, { title: 'young' }]);
});

/** What is left of a deleted record that is purged: its event. */

import type { Call } from '../harness/definitions.js';
import { Deletions, keeping } from '../harness/deletions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Call;
let records: Deletions;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  records = new Deletions(test, tenant, call);
});

afterAll(() => test.stop());

describe('a purge', () => {
  it('leaves nothing of the record: not in the list, not in its history, not in the tables, only its event', async () => {
    await tenant.define('note', keeping({}, { history: 'full' }));
    const { id } = await records.insert('note', { name: 'first-value' });
    await call('patch', `/records/note/${id}`).send({ name: 'second-value' });
    await records.remove('note', { id });
    await records.restore('note', id).expect(200);
    await records.remove('note', { id });
    const kept = await records.removed('note', { name: 'kept' });
    await call('delete', `/deleted/note/${id}`).expect(204);
    expect(refusal(await call('delete', `/deleted/note/${id}`))).toBe('404 record/not-deleted');
    expect(refusal(await call('get', `/deleted/note/${id}`))).toBe('404 record/not-deleted');
    expect(refusal(await call('get', `/records/note/${id}/history`))).toBe('404 record/not-found');
    expect(await records.deletedNames('note')).toEqual(['kept']);
    expect((await call('get', `/records/note/${kept.id}/history`)).body.items).toHaveLength(2);
    const { rows } = await test.database.admin(
      `select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'p'`,
      [tenant.schemaName],
    );
    expect(rows).toHaveLength(2);
    for (const { relname } of rows) {
      const found = await test.database.admin(`select from "${tenant.schemaName}"."${relname}" where id = $1`, [id]);
      expect(found.rowCount).toBe(0);
    }
    const events = (await records.trail()).filter(({ action }) => action === 'record.purged');
    expect(events).toEqual([{ action: 'record.purged', entity: 'note', record_id: id, actor: 'admin@test', body: {} }]);
  });

  it('of an id that lives again leaves the living one, with its own history', async () => {
    await tenant.define('note', keeping({}, { history: 'full' }));
    const { id } = await records.removed('note', { name: 'old' });
    await records.insert('note', { id, name: 'new' });
    await call('patch', `/records/note/${id}`).send({ name: 'newer' });
    await call('delete', `/deleted/note/${id}`).expect(204);
    const { text, body } = await call('get', `/records/note/${id}/history`);
    expect(body.items.map(({ action, revision }: { action: string; revision: number }) => `${action} ${revision}`)).toEqual([
      'updated 2',
      'created 1',
    ]);
    expect(text).not.toContain('old');
  });
});

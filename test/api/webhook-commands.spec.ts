/** `bss webhooks`, as somebody types it, against a running service. */

import { bss, type Ended } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { startWebhookReceiver, verified, type WebhookReceiver } from '../harness/webhook-receiver.js';

jest.setTimeout(120_000);

let test: TestService;
let tenant: TestTenant;
let there: WebhookReceiver;
let run: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  test = await startTestService({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  tenant = await test.tenant('webhooks-tenant');
  await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } } });
  there = await startWebhookReceiver();
  const token = await test.token(['admin'], tenant.id);
  run = (...args) => bss(['webhooks', ...args, '--url', test.service.url, '--token', token]);
});

afterAll(async () => {
  await test.stop();
  await there.close();
});

describe('bss webhooks', () => {
  it('says what is wrong, on stderr alone, with exit code 1', async () => {
    const inside = await run('create', 'http://10.0.0.1/');
    expect([inside.code, inside.stdout, inside.stderr]).toEqual([1, '', expect.stringContaining('/url: url names an address')]);
    const event = await run('create', there.url, '--events', 'record.create');
    expect([event.code, event.stderr]).toEqual([1, expect.stringContaining('/events: each event is an action')]);
    const unknown = await run('delete', 'nothing');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('No such webhook')]);
    const replay = await run('replay', 'nothing', '--from-seq', 'first');
    expect([replay.code, replay.stderr]).toEqual([1, expect.stringContaining('must be a whole number')]);
  });

  it('makes one and prints its secret alone, lists it and its deliveries, replays, rotates and deletes', async () => {
    const made = await run('create', there.url, '--events', 'record.created', '--include', 'full', '--description', 'a test');
    const secret = made.stdout.trim();
    const id = /webhook ([0-9a-f-]{36})/.exec(made.stderr)?.[1] as string;
    expect([made.code, made.stdout.split('\n')]).toEqual([0, [secret, '']]);
    const records = (await tenant.as())('post', '/records/note').send([{ title: 'one' }, { title: 'two' }]);
    await records.expect(201);
    await eventually(() => there.received.length === 2);
    for (const request of there.received) expect(verified(request, secret)).toBeTruthy();
    const listed = await run('list');
    expect(listed.stdout).toMatch(new RegExp(`^${id} +enabled +\\d+ +record.created +all +${there.url}$`, 'm'));
    expect(listed.stdout + (await run('list', '--json')).stdout).not.toContain(secret.slice(6, 20));

    await eventually(async () => (await run('deliveries', id)).stdout.split('\n').length === 4);
    const deliveries = await run('deliveries', id, '--limit', '1');
    expect(deliveries.stdout).toMatch(/^[0-9a-f-]{36} +\d+ +record.created +delivered +1 +204 *$/m);
    expect(deliveries.stdout.trim().split('\n')).toHaveLength(2);
    expect(JSON.parse((await run('deliveries', id, '--status', 'dead', '--json')).stdout)).toEqual([]);

    const replayed = await run('replay', id, '--from-seq', '1');
    expect([replayed.code, replayed.stdout]).toEqual([0, expect.stringMatching(/^the events 1 to \d+ are sent once more\n$/)]);
    await eventually(() => there.received.length === 4);

    const rotated = await run('rotate', id, '--overlap', '0');
    expect([rotated.code, rotated.stderr]).toEqual([0, expect.stringContaining('the former one no longer signs')]);
    expect(rotated.stdout.trim()).not.toBe(secret);
    const deleted = await run('delete', id);
    expect([deleted.code, deleted.stdout]).toEqual([0, '1 webhook deleted\n']);
  });
});

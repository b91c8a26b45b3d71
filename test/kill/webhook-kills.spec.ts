/** The process that sends webhooks is killed with -9, again and again: every event arrives, and what comes twice is the same. */

import { setTimeout as pause } from 'node:timers/promises';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { startWebhookReceiver, verified, type WebhookReceiver } from '../harness/webhook-receiver.js';

const KILLS = Number(process.env.BSS_KILLS ?? 5);
const AT_ONCE = 40;

jest.setTimeout(60_000 + KILLS * 40_000);

let around: Surroundings;
let there: WebhookReceiver;
let child: ChildService;

beforeAll(async () => {
  around = await createSurroundings();
  there = await startWebhookReceiver();
  child = await startChildService({ ...around.environment, WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
});

afterAll(async () => {
  await child.stop();
  await there.close();
  await around.stop();
});

const NOTE = { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false };

async function sealedIds(tenant: TestTenant): Promise<string[]> {
  const { rows } = await around.database.admin(
    "select c.event_id from audit.chain as c join audit.events as e using (tenant_id, event_id) where c.tenant_id = $1 and e.action = 'record.created'",
    [tenant.id],
  );
  return rows.map(({ event_id: id }) => id);
}

it('loses nothing over many kills, and what was sent twice is the same event', async () => {
  const tenant = await apiOf(child.url, around.token).tenant();
  await tenant.define('note', NOTE);
  const made = await (await tenant.as())('post', '/webhooks').send({ url: there.url });
  there.mood = () => [204, Math.floor(Math.random() * 30)];
  let written = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    const token = await around.token(['admin'], tenant.id);
    const records = Array.from({ length: AT_ONCE }, () => ({ title: `note ${++written}` }));
    const path = `/api/v1/tenants/${tenant.id}/records/note`;
    await apiOf(child.url, around.token).request(token, 'post', path).send(records).expect(201);
    if (kill === KILLS) break;
    const before = there.received.length;
    // Somewhere between the first of them and the noting of the last.
    await eventually(() => there.received.length > before);
    await pause(Math.random() * 500);
    child.signal('SIGKILL');
    await child.ended;
    // Half a minute later.
    await around.database.admin('update business_store_service.webhooks set held_until = now() where held_until is not null');
    child = await startChildService({ ...around.environment, WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  }
  await eventually(async () => (await sealedIds(tenant)).length === written);
  await eventually(() => there.ids().length >= written);
  expect(there.ids().sort()).toEqual((await sealedIds(tenant)).sort());
  const bodies = new Map<string, Set<string>>();
  for (const request of there.received) {
    expect(request.headers['webhook-id']).toBe(request.event.id);
    expect(verified(request, made.body.secret)).toMatchObject({ id: request.event.id });
    bodies.set(request.event.id, (bodies.get(request.event.id) ?? new Set()).add(request.text));
  }
  expect([...bodies.values()].filter((texts) => texts.size > 1)).toEqual([]);
});

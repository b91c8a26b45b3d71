/** Publishers that are killed at any moment, and a place that takes events without saying so: nothing is lost. */
import { setTimeout as wait } from 'node:timers/promises';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { type EventSink, type Mood, startEventSink, withoutRepetitions } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { newTenant, openTrails, type Trails } from '../harness/trails.js';

/** Fifty by hand: PUBLISHER_KILLS=50. */
const KILLS = Number(process.env.PUBLISHER_KILLS ?? 3);
const MOODS: readonly Mood[] = ['swallow', 'drop', 'refuse', 200];

jest.setTimeout(120_000 + KILLS * 30_000);

let around: Surroundings;
let trails: Trails;
let sink: EventSink;
const children: ChildService[] = [];

beforeAll(async () => {
  around = await createSurroundings();
  trails = await openTrails(around.database);
  sink = await startEventSink();
});

afterAll(async () => {
  for (const child of children) child.signal('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  await sink.close();
  await trails.close();
  await around.stop();
});

const start = async (): Promise<ChildService> => {
  const child = await startChildService({ ...around.environment, AUDIT_SINK: sink.url });
  children.push(child);
  return child;
};

it(`over ${KILLS} kills of two instances every event of every tenant arrives, first in order, and again only as itself`, async () => {
  const tenants = Array.from({ length: 5 }, newTenant);
  const written = new Map(tenants.map((tenant) => [tenant, 0]));
  const write = async (): Promise<void> => {
    for (const tenant of tenants) {
      const [from, count] = [written.get(tenant) as number, 1 + Math.floor(Math.random() * 400)];
      await trails.write(tenant, count, { from });
      written.set(tenant, from + count);
    }
  };
  let [first, second] = await Promise.all([start(), start()]);
  sink.moods.push('mute');
  for (let kill = 0; kill < KILLS; kill++) {
    sink.moods.push(MOODS[kill % MOODS.length] as Mood);
    // Until somebody publishes, so that a kill can meet it.
    const before = sink.requests;
    await write();
    await eventually(() => sink.requests > before);
    for (let n = 0; n < 3; n++) await write();
    await wait(Math.random() * 400);
    first.signal('SIGKILL');
    await first.ended;
    [first, second] = [second, await start()];
  }
  await trails.published();

  const arrived = withoutRepetitions(sink.received);
  for (const tenant of tenants) {
    const events = arrived.filter(({ tenantid }) => tenantid === tenant);
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: events.length }, (_, n) => n + 1));
    expect(events.map(({ data }) => data.after?.title)).toEqual(
      Array.from({ length: written.get(tenant) as number }, (_, n) => `${n}`),
    );
  }
  const { rows } = await around.database.admin('select fence::integer from audit.sinks');
  if (KILLS > 3) process.stderr.write(`${arrived.length} events, ${sink.received.length} arrivals, ${rows[0].fence} turns\n`);
});

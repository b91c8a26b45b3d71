/** NATS JetStream as a place for audit events: each once, in order per tenant, whatever happens to the server and the stream. */
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { CloudEvent } from 'cloudevents';
import { eventually } from '../harness/eventually.js';
import { messagesOf, type NatsServer, startNatsServer, WITHOUT_NATS } from '../harness/nats.js';
import { newTenant, openTrails, type Trails } from '../harness/trails.js';

jest.setTimeout(120_000);

const described = WITHOUT_NATS ? describe.skip : describe;
if (WITHOUT_NATS) process.stderr.write(`${WITHOUT_NATS}publishing to NATS JetStream\n`);

let trails: Trails;
let server: NatsServer;
let connection: NatsConnection;

if (!WITHOUT_NATS) {
  beforeEach(async () => {
    trails = await openTrails();
    server = await startNatsServer();
    connection = await server.connect();
  });

  afterEach(async () => {
    await trails.close();
    await server.close();
  });
}

async function addStream(options: { max_msg_size?: number } = {}): Promise<void> {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'trail', subjects: ['audit.>'], storage: StorageType.File, ...options });
}

const sequencesOf = (messages: Awaited<ReturnType<typeof messagesOf>>, tenantId: string): number[] =>
  messages.filter(({ event }) => event.tenantid === tenantId).map(({ event }) => Number(event.sequence));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

described(`${WITHOUT_NATS ?? ''}a stream`, () => {
  it('holds a message per event under its tenant and type, known by the id of the event', async () => {
    await addStream();
    const [one, two] = [newTenant(), newTenant()];
    await trails.write(one, 1_500);
    await trails.write(two, 30);
    await trails.publish(`${server.url}/audit.test`);
    await trails.published();
    const messages = await messagesOf(connection, 'trail');
    expect(messages).toHaveLength(1_530);
    expect(sequencesOf(messages, one)).toEqual(upTo(1_500));
    expect(sequencesOf(messages, two)).toEqual(upTo(30));
    for (const { subject, id, contentType, event } of messages) {
      expect(subject).toBe(`audit.test.${event.tenantid}.business-store.record.created`);
      expect(id).toBe(event.id);
      expect(contentType).toBe('application/cloudevents+json');
    }
    expect(new CloudEvent(messages[0]?.event as object, true).validate()).toBe(true);
  });

  it('gets each event once, though it is sent again when nobody noted that it was taken', async () => {
    await addStream();
    const tenant = newTenant();
    await trails.write(tenant, 200);
    const first = await trails.publish(`${server.url}/audit`);
    await trails.published();
    await first.stop();
    // As after a death between the acknowledgement and the note of it.
    await trails.database.admin('update audit.publishing set seq = 50');
    await trails.write(tenant, 20, { from: 200 });
    await trails.publish(`${server.url}/audit`);
    await trails.published();
    expect(sequencesOf(await messagesOf(connection, 'trail'), tenant)).toEqual(upTo(220));
  });

  it('that others write to as well has the events in order', async () => {
    await addStream();
    const tenant = newTenant();
    await trails.write(tenant, 3_000);
    let isWriting = true;
    const stream = jetstream(connection);
    const others = (async () => {
      for (let n = 0; isWriting; n++) await stream.publish('audit.other', `{"n":${n}}`);
    })();
    await trails.publish(`${server.url}/audit.own`);
    await trails.published();
    isWriting = false;
    await others;
    const messages = await messagesOf(connection, 'trail');
    expect(messages.some(({ subject }) => subject === 'audit.other')).toBe(true);
    expect(sequencesOf(messages, tenant)).toEqual(upTo(3_000));
  });

  it('that does not take a large event parks its tenant, and keeps what is behind it waiting', async () => {
    await addStream({ max_msg_size: 10_000 });
    const [large, small] = [newTenant(), newTenant()];
    await trails.write(large, 5);
    await trails.write(large, 1, { from: 5, bytes: 20_000 });
    await trails.write(large, 5, { from: 6 });
    await trails.write(small, 10);
    await trails.publish(`${server.url}/audit`);
    await eventually(async () => {
      const { rows } = await trails.database.admin('select tenant_id from audit.publishing where parked_at is not null');
      return rows.length === 1 && rows[0].tenant_id === large;
    });
    await eventually(async () => sequencesOf(await messagesOf(connection, 'trail'), small).length === 10);
    expect(sequencesOf(await messagesOf(connection, 'trail'), large)).toEqual(upTo(5));
    const manager = await jetstreamManager(connection);
    await manager.streams.update('trail', { max_msg_size: -1 });
    await trails.database.admin('update audit.publishing set next_try_at = now() where failures > 0');
    await trails.published();
    expect(sequencesOf(await messagesOf(connection, 'trail'), large)).toEqual(upTo(11));
  });
});

described(`${WITHOUT_NATS ?? ''}a NATS server`, () => {
  it('without a stream for them is told of, and the events wait', async () => {
    await trails.write(newTenant(), 5);
    await trails.publish(`${server.url}/audit`);
    await eventually(async () => {
      const { rows } = await trails.database.admin('select error from audit.sinks');
      return rows[0]?.error === 'no stream takes audit.>';
    });
    await addStream();
    await trails.published();
    expect(await messagesOf(connection, 'trail')).toHaveLength(5);
  });

  it('that is killed and comes back has every event once and in order', async () => {
    await addStream();
    const tenants = [newTenant(), newTenant()];
    await trails.publish(`${server.url}/audit`);
    for (let round = 0; round < 4; round++) {
      for (const tenant of tenants) await trails.write(tenant, 1_000, { from: round * 1_000 });
      await server.kill();
      await server.restart();
    }
    await trails.published();
    connection = await server.connect();
    const messages = await messagesOf(connection, 'trail');
    for (const tenant of tenants) expect(sequencesOf(messages, tenant)).toEqual(upTo(4_000));
  });
});

/** Checkpoints: when they are taken, what they are sent to, and that nothing is signed which does not go on from what was signed before. */

import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import type { CheckpointPlace } from '../../src/audit/checkpoint-place.js';
import { Checkpointer, type CheckpointOptions, TamperedTrail } from '../../src/audit/checkpointer.js';
import { openCheckpointPlace } from '../../src/audit/open-checkpoint-place.js';
import { Sealer } from '../../src/audit/sealer.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import { checkpointDigest, verifiedCheckpoint } from '../../src/model/audit/checkpoint.js';
import { SentCheckpoints } from '../../src/model/audit/sent-checkpoints.js';
import { readSigningKey } from '../../src/model/audit/signing-key.js';
import type { TenantHome } from '../../src/model/entity.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { createHomes } from '../harness/tenants.js';

jest.setTimeout(60_000);

const KEY = readSigningKey(Buffer.alloc(32, 4).toString('base64'));

let database: TestDatabase;
let controlPlane: ControlPlane;
let homes: TenantHome[];
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  homes = await createHomes(controlPlane, 3);
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-checkpoints-'));
});

afterEach(async () => {
  await controlPlane.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const fail = (error: unknown): void => {
  throw error;
};
const admin = async (sql: string, values: readonly unknown[] = []) => (await database.admin(sql, values)).rows;

/** Events of one tenant, written and sealed. */
async function sealed(count: number, home = homes[0] as TenantHome): Promise<void> {
  for (let n = 0; n < count; n++) {
    await admin(
      `with event as (
         insert into audit.events (tenant_id, event_id, actor, request_id, action, body) values ($1, $2, 'a', 'r', 'record.created', '{}')
       )
       insert into audit.pending (tenant_id, first_event_id, last_event_id, events) values ($1, $2, $2, 1)`,
      [home.tenantId, uuidV7()],
    );
  }
  await new Sealer(controlPlane, fail).sealAll();
}

const checkpointer = (options: Partial<CheckpointOptions> = {}): Checkpointer =>
  new Checkpointer(
    controlPlane,
    { key: KEY, keys: [KEY], place: null, everySeconds: 3_600, everyEvents: 1_000, retentionDays: 0, ...options },
    fail,
  );

const taken = async (): Promise<string[]> =>
  (await admin('select jws from audit.checkpoints order by number')).map(({ jws }) => jws);
const file = (): string => join(folder, 'checkpoints.jsonl');
const place = (): CheckpointPlace => openCheckpointPlace(`file:${file()}`, undefined) as CheckpointPlace;

describe('a checkpoint', () => {
  it('is taken when something was sealed, after so many events, and not for nothing', async () => {
    const of = checkpointer({ everyEvents: 5 });
    await of.take(false);
    expect(await taken()).toEqual([]);
    await sealed(1);
    await of.take(false);
    expect((await taken()).length).toBe(1);
    await of.take(true);
    await sealed(4);
    await of.take(false);
    expect((await taken()).length).toBe(1);
    await sealed(1);
    await of.take(false);
    expect((await taken()).length).toBe(2);
  });

  it('names the one before, the number of heads and their root, under a key that is known', async () => {
    const of = checkpointer();
    for (const home of homes) {
      await sealed(2, home);
      await of.take(true);
    }
    const all = await taken();
    const said = all.map((jws) => verifiedCheckpoint(jws, [KEY]));
    expect(said.map((one) => [one?.number, one?.size, one?.previous])).toEqual([
      [1, 1, null],
      [2, 2, checkpointDigest(all[0] as string)],
      [3, 3, checkpointDigest(all[1] as string)],
    ]);
    expect(new Set(said.map((one) => one?.root)).size).toBe(3);
  });

  it('is taken by one instance at a time, and its number given once', async () => {
    const instances = [checkpointer(), checkpointer(), checkpointer()];
    for (let n = 0; n < 5; n++) {
      await sealed(1);
      await Promise.all(instances.map((of) => of.take(true)));
    }
    expect((await taken()).length).toBe(5);
  });
});

describe('nothing is signed', () => {
  const tamperings: Readonly<Record<string, string>> = {
    'when a head is set back': 'update audit.heads set seq = seq - 1',
    'when a head has another hash': `update audit.heads set hash = sha256('x')`,
    'when a head is gone': 'delete from audit.heads',
    'when what was signed is said to have ended by retention':
      'with gone as (delete from audit.chain) update audit.heads set anchor_seq = seq, anchor_hash = hash, anchor_before = now()',
    'when the chain has another hash where it was signed': `update audit.chain set hash = sha256('x') where seq = 3`,
    'when the chain has a gap where it was signed': 'delete from audit.chain where seq = 3',
    'when what was signed is another': `update audit.checkpointed_heads set hash = sha256('x')`,
    'when a tenant is not among what was signed': 'delete from audit.checkpointed_heads',
    'when the last checkpoint is gone': 'delete from audit.checkpoints where number = 1',
    'when the last checkpoint is another': `update audit.checkpoints set jws = jws || 'A'`,
  };

  it.each(Object.keys(tamperings))('%s', async (name) => {
    const of = checkpointer();
    await sealed(3);
    await of.take(true);
    // The head goes on, so that there is something to sign.
    await sealed(2);
    await admin(tamperings[name] as string);
    await expect(of.take(true)).rejects.toThrow(TamperedTrail);
    expect((await taken()).length).toBeLessThanOrEqual(1);
    expect(of.state.faults).toBe(1);
  });

  it('when events have ended by retention before it can have come to them', async () => {
    await sealed(3);
    await admin('delete from audit.chain');
    const ended = 'update audit.heads set anchor_seq = seq, anchor_hash = hash, anchor_before = now() - $1::interval';
    await admin(ended, ['2 days']);
    await expect(checkpointer({ retentionDays: 3 }).take(true)).rejects.toThrow(TamperedTrail);
    await expect(checkpointer().take(true)).rejects.toThrow(TamperedTrail);
    await admin('update audit.heads set anchor_before = null');
    await expect(checkpointer({ retentionDays: 1 }).take(true)).rejects.toThrow(TamperedTrail);
    await admin(ended, ['2 days']);
    await checkpointer({ retentionDays: 1 }).take(true);
    expect((await taken()).length).toBe(1);
  });

  it('by an instance that has just started, when the place has more than the database', async () => {
    const of = checkpointer({ place: place() });
    await sealed(1);
    await of.take(true);
    await of.send();
    await sealed(1);
    await of.take(true);
    await of.send();
    await admin('delete from audit.checkpoints where number = 2');
    await sealed(1);
    await expect(checkpointer({ place: place() }).take(true)).rejects.toThrow('checkpoint 2, which was sent, is gone or another');
  });
});

describe('the place of checkpoints', () => {
  it('gets each in its order, and again those that it did not take', async () => {
    const received: { headers: Record<string, string>; body: string }[] = [];
    let isOpen = false;
    const server: Server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        if (isOpen) received.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(isOpen ? 204 : 503).end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/checkpoints`;
    const of = checkpointer({ place: openCheckpointPlace(url, secret) });
    for (let n = 0; n < 3; n++) {
      await sealed(1);
      await of.take(true);
      await expect(of.send()).rejects.toThrow('answered 503');
    }
    isOpen = true;
    await of.send();
    await of.send();
    expect(received.map(({ body }) => JSON.parse(body))).toEqual(
      (await taken()).map((checkpoint, n) => ({ number: n + 1, checkpoint })),
    );
    for (const { body, headers } of received) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
    expect(await admin('select from audit.checkpoints where sent_at is null')).toEqual([]);
    server.close();
  });

  it('is a file, of which half a line does not count, and nobody else reads it', async () => {
    const of = checkpointer({ place: place() });
    await sealed(1);
    await of.take(true);
    await of.send();
    await appendFile(file(), '{"number":2,"check');
    expect(await place().last()).toEqual({ number: 1, jws: (await taken())[0] });
    await sealed(1);
    await of.take(true);
    await of.send();
    const lines = (await readFile(file(), 'utf8')).split('\n');
    expect(lines.length).toBe(4);
    const sent = new SentCheckpoints();
    for (const line of [lines[0], lines[2]]) sent.add(JSON.parse(line as string).checkpoint);
    expect(sent.check([KEY])?.number).toBe(2);
    expect(await place().last()).toMatchObject({ number: 2 });
  });

  it('keeps nobody waiting who stops, though it never answers', async () => {
    const silent = { label: 'silent', send: () => new Promise<void>(() => {}), last: async () => null, close: async () => {} };
    const of = checkpointer({ place: silent, everySeconds: 0 });
    await sealed(1);
    of.start();
    await eventually(async () => (await taken()).length === 1);
    await of.stop();
  }, 15_000);

  it('is refused when it is no place', async () => {
    expect(() => openCheckpointPlace('file:relative', undefined)).toThrow('has to be absolute');
    expect(() => openCheckpointPlace('https://example.com/', 'whsec_short')).toThrow('AUDIT_CHECKPOINTS_SECRET');
    expect(openCheckpointPlace('none', undefined)).toBeNull();
    await writeFile(file(), 'nothing of the kind');
    expect(await place().last()).toBeNull();
  });
});

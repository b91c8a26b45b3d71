/**
 * Sealing processes are killed with -9: no event is lost, none is sealed twice, no number is missing, and the checkpoints that
 * were sent vouch for what is there. SEALER_KILLS=50 for more of it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import { SentCheckpoints } from '../../src/model/audit/sent-checkpoints.js';
import { readSigningKey } from '../../src/model/audit/signing-key.js';
import type { TenantHome } from '../../src/model/entity.js';
import { uuidV7Range } from '../../src/platform/uuid.js';
import { controlPlaneOf } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { startTestService } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { ACTOR, createHomes, runtimePool } from '../harness/tenants.js';

jest.setTimeout(1_800_000);

const KILLS = Number(process.env.SEALER_KILLS ?? 8);
const SEED = Buffer.alloc(32, 8).toString('base64');

let around: Surroundings;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let homes: TenantHome[];
let folder: string;

beforeAll(async () => {
  around = await createSurroundings();
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-killed-'));
  controlPlane = controlPlaneOf(around.database);
  await controlPlane.open();
  pool = runtimePool(around.database, 3);
  homes = await createHomes(controlPlane, 8);
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await around.stop();
  await rm(folder, { recursive: true, force: true });
});

const settings = () => ({
  ...around.environment,
  AUDIT_SIGNING_KEY: SEED,
  AUDIT_CHECKPOINTS: `file:${join(folder, 'checkpoints.jsonl')}`,
  AUDIT_CHECKPOINT_SECONDS: '1',
});

async function startSealing(): Promise<ChildProcess> {
  const { PATH, HOME, TMPDIR } = process.env;
  const env = { PATH, HOME, TMPDIR, ...settings() };
  const child = spawn(process.execPath, [resolve('test/harness/sealer-process.cjs')], {
    env,
    cwd: tmpdir(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

/** As the writing statements do: events and their marker in one statement. */
function write(home: TenantHome, count: number): Promise<unknown> {
  const { ids, first, last } = uuidV7Range(count);
  return TenantTx.run(pool, home, ACTOR, { readOnly: false }, (tx) =>
    tx.last({
      text: `with written as (
  insert into audit.events (tenant_id, event_id, actor, request_id, action, body)
  select $1, id, $2, 'killed', 'record.created', '{}'
  from unnest($3::uuid[]) as id
)
insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
values ($1, $4, $5, $6)`,
      values: [home.tenantId, ACTOR.subject, `{${ids.join()}}`, first, last, String(count)],
    }),
  );
}

describe('processes that are killed while they seal', () => {
  it('lose nothing, repeat nothing and leave no gap, and their checkpoints follow from each other', async () => {
    let written = 0;
    let isWriting = true;
    const writers = homes.map(async (home, n) => {
      for (let turn = n; isWriting; turn++) {
        const count = turn % 5 === 0 ? 40 : 1;
        await write(home, count);
        written += count;
        await wait(3);
      }
    });
    let kills = 0;
    // Two at a time: one dies at whatever it is doing, and the other goes on.
    let other = await startSealing();
    for (; kills < KILLS; kills++) {
      const next = await startSealing();
      await wait(Math.random() * 200);
      await kill(other);
      other = next;
    }
    isWriting = false;
    await Promise.all(writers);
    await kill(other);

    const service = await startTestService(settings(), { ...around, stop: async () => {} });
    const count = async (sql: string): Promise<number> => (await around.database.admin(sql)).rows[0].n;
    await eventually(async () => (await count('select count(*)::int as n from audit.pending')) === 0);
    // createHomes writes an event or none for each; whatever there is has to be sealed.
    const events = await count('select count(*)::int as n from audit.events');
    expect(events).toBeGreaterThanOrEqual(written);
    expect(await count('select count(*)::int as n from audit.chain')).toBe(events);
    for (const { tenantId } of homes) {
      const token = await around.token(['admin'], tenantId);
      const verified = async () => (await service.request(token, 'get', `/api/v1/tenants/${tenantId}/audit/verify`)).body;
      await eventually(async () => (await verified()).checkpoint?.seq === (await verified()).head.seq);
      const own = await count(`select count(*)::int as n from audit.events where tenant_id = '${tenantId}'`);
      expect(await verified()).toMatchObject({ valid: true, from: 1, events: own });
    }
    const sent = new SentCheckpoints();
    for (const line of (await readFile(join(folder, 'checkpoints.jsonl'), 'utf8')).split('\n')) {
      if (line.endsWith('}')) sent.add(JSON.parse(line).checkpoint);
    }
    expect(sent.check([readSigningKey(SEED)])?.number).toBe(await count('select max(number)::int as n from audit.checkpoints'));
    await service.stop();
    process.stdout.write(`${kills} kills, ${written} events, ${sent.last} checkpoints\n`);
  });
});

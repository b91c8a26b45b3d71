/**
 * A thousand known secrets, sent through every path that records take, refusals and faults among them; then everything is searched that
 * stays or goes out. A twin of the entity that does not encrypt takes the same paths, to prove that the search finds what is there.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Canaries, type Sighting } from '../harness/canaries.js';
import { CanaryErrands, documentOf } from '../harness/canary-errands.js';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { storedBytes, storedRows } from '../harness/stored-everywhere.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { startWebhookReceiver, type WebhookReceiver } from '../harness/webhook-receiver.js';

jest.setTimeout(300_000);

const DATA_DIR = process.env.BSS_TEST_DATA_DIR;

const SECRETS = new Canaries('QuetzalSings');
const PLAIN = new Canaries('OstrichSleep');

let around: Surroundings;
let service: ChildService;
let tenant: TestTenant;
let receiver: WebhookReceiver;
/** Of the log the lines of the service, and those that it published. */
let logged: string;
let published: string;
let metrics: string;
/** A second for file systems that keep whole ones. */
const since = Date.now() - 1_000;

beforeAll(async () => {
  around = await createSurroundings();
  const { admin, name } = around.database;
  // Whatever Postgres can be told to write down of statements, their parameters and their errors.
  const everything = { log_statement: 'all', log_min_duration_statement: '0', log_min_error_statement: 'debug5' };
  const whole = { log_parameter_max_length: '-1', log_parameter_max_length_on_error: '-1', log_error_verbosity: 'verbose' };
  for (const [setting, value] of Object.entries({ ...everything, ...whole })) {
    await admin(`alter database ${name} set ${setting} = '${value}'`);
  }
  receiver = await startWebhookReceiver();
  service = await startChildService({
    ...around.environment,
    ...{ LOG_LEVEL: 'trace', AUDIT_SINK: 'stdout', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' },
  });
  const { request, tenant: newTenant } = apiOf(service.url, around.token);
  await admin('create extension if not exists pg_stat_statements');
  tenant = await newTenant('canary');
  await tenant.define('sealed', documentOf('sealed', true));
  await tenant.define('plain', documentOf('plain', false));
  const call = await tenant.as();
  await call('post', '/webhooks')
    .send({ url: receiver.url, events: ['record.*'], include: 'full' })
    .expect(201);

  for (const [entity, secrets] of [['sealed', SECRETS] as const, ['plain', PLAIN] as const]) {
    const errands = await CanaryErrands.of({ entity, tenant, secrets });
    await errands.run().catch((error: Error) => {
      const faults = service.stdout.split('\n').filter((line) => line.includes('"level":"error"'));
      throw new Error([error.message, ...faults].join('\n'));
    });
    await crossed(request, entity, secrets);
    await raised(entity, secrets);
    if (entity === 'sealed') await broken(entity);
    await admin(`comment on database ${name} is '${PLAIN.texts[0]}'`);
  }
  await eventually(async () => (await tenantEvents()) === receiver.ids().length);
  metrics = (await request(null, 'get', '/metrics').expect(200)).text;
  await admin('analyze');
  await service.stop();
  await admin('checkpoint');
  const lines = service.stdout.split('\n');
  const isPublished = (line: string): boolean => line.includes('"specversion"');
  published = lines.filter(isPublished).join('\n');
  logged = lines.filter((line) => !isPublished(line)).join('\n') + (await service.ended).stderr;
});

afterAll(async () => {
  await service?.stop();
  await receiver?.close();
  await around?.stop();
});

/** Under an access grant, whose use is told in the trail. */
async function crossed(request: ReturnType<typeof apiOf>['request'], entity: string, secrets: Canaries): Promise<void> {
  const bearer = await around.issuer.sign({ subject: 'ann', roles: ['system_admin'] });
  const wanted = { tenants: [tenant.id], reason: 'Customer reports wrong totals', ticket: 'SUP-1' };
  const { body: grant } = await request(bearer, 'post', '/api/v1/grants').send(wanted).expect(201);
  const query = `select=ssn,note&ssn=in.(${secrets.texts.slice(-40).join(',')})`;
  const asked = await request(bearer, 'post', '/api/v1/admin/query').send({ grant: grant.id, entity, query });
  expect([asked.status, asked.text.includes('"complete":true')]).toEqual([200, true]);
  const path = `/api/v1/tenants/${tenant.id}/records/${entity}?ssn=eq.${secrets.text()}`;
  await request(bearer, 'get', path).set('x-access-grant', grant.id).expect(200);
}

/** An error that nobody foresaw, of a database that tells all it has. */
async function raised(entity: string, secrets: Canaries): Promise<void> {
  const { admin } = around.database;
  const table = `"${tenant.schemaName}"."${entity}"`;
  await admin(`create function "${tenant.schemaName}".tell() returns trigger language plpgsql as $$
    begin
      raise exception 'no: %', new::text using detail = new::text, hint = new::text;
    end $$`);
  await admin(`create trigger tell before insert on ${table} for each row execute function "${tenant.schemaName}".tell()`);
  await admin(`grant execute on function "${tenant.schemaName}".tell() to public`);
  const body = { number: 900, ssn: secrets.text(), note: secrets.text(), card: { holder: secrets.text() } };
  await (await tenant.as())('post', `/records/${entity}`).send(body).expect(500);
  await admin(`drop function "${tenant.schemaName}".tell() cascade`);
}

/** Cells that were moved: whoever reads them is told so, and the log and the trail are. */
async function broken(entity: string): Promise<void> {
  const { admin } = around.database;
  const table = `"${tenant.schemaName}"."${entity}"`;
  const { rows: columns } = await admin(
    `select quote_ident(attname) as name from pg_attribute where attrelid = $1::regclass and attname like 'note%'`,
    [table],
  );
  const [{ name: column }] = columns as [{ name: string }];
  const { rows } = await admin(`select id, ${column} as note from ${table} where ${column} is not null order by id limit 2`);
  const [one, two] = rows as [{ id: string; note: Buffer }, { id: string; note: Buffer }];
  await admin(`update ${table} set ${column} = $2 where id = $1`, [one.id, two.note]);
  const call = await tenant.as();
  for (const path of [`/records/${entity}/${one.id}`, `/records/${entity}`]) await call('get', path).expect(500);
  await call('patch', `/records/${entity}/${one.id}`).send({ amount: null }).expect(500);
  await admin(`update ${table} set ${column} = $2 where id = $1`, [one.id, one.note]);
  await call('get', `/records/${entity}/${one.id}`).expect(200);
}

async function tenantEvents(): Promise<number> {
  const { rows } = await around.database.admin(
    `select count(*)::integer as events from audit.events where tenant_id = $1 and action like 'record.%'`,
    [tenant.id],
  );
  return rows[0].events;
}

async function rowsWith(secrets: Canaries): Promise<Sighting[]> {
  const found: Sighting[] = [];
  for await (const { place, text } of storedRows(around.database)) found.push(...secrets.inText(place, text));
  return found;
}

async function filesWith(secrets: Canaries): Promise<Sighting[]> {
  const { rows } = await around.database.admin('select oid from pg_database where datname = current_database()');
  const [{ oid }] = rows as [{ oid: string }];
  const isOther = (path: string): boolean => /[/\\]base[/\\]\d+$/.test(path) && !path.endsWith(String(oid));
  const found: Sighting[] = [];
  let count = 0;
  for await (const { place, bytes } of storedBytes(DATA_DIR as string, since, isOther)) {
    count += 1;
    found.push(...secrets.in(place, bytes));
  }
  expect(count).toBeGreaterThan(50);
  return found;
}

const statements = async (): Promise<string> =>
  (await around.database.admin('select query from pg_stat_statements union all select query from pg_stat_activity')).rows
    .map(({ query }) => query)
    .join('\n');

const places = (sightings: readonly Sighting[]): string[] => [...new Set(sightings.map(({ place }) => place))];

describe('the search', () => {
  const [secret] = [SECRETS.text()];
  const bytes = Buffer.from(secret);

  it.each<[string, Buffer]>([
    ['text', bytes],
    ['its beginning', bytes.subarray(0, 14)],
    ['small letters', Buffer.from(secret.toLowerCase())],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['base64', Buffer.from(bytes.toString('base64'))],
    ['base64 in a longer text', Buffer.from(Buffer.from(`x${secret}`).toString('base64'))],
    ['base64url in a longer text', Buffer.from(Buffer.from(`xx${secret}`).toString('base64url'))],
    ['UTF-16', Buffer.from(secret, 'utf16le')],
    ['JSON escapes', Buffer.from([...secret].map((x) => `\\u00${x.charCodeAt(0).toString(16)}`).join(''))],
    ['percent-encoding', Buffer.from(bytes.toString('hex').replace(/../g, '%$&'))],
    ['digits', Buffer.from(`{"amount":${SECRETS.number()}}`)],
    ['digits in hex', Buffer.from(Buffer.from(String(SECRETS.number())).toString('hex'))],
  ])('finds a secret as %s', (_, hidden) => {
    const noise = Buffer.from('\\x01ab');
    expect(SECRETS.in('here', Buffer.concat([noise, hidden, noise]))).not.toEqual([]);
    expect(PLAIN.in('here', Buffer.concat([noise, hidden, noise]))).toEqual([]);
  });

  it('finds a plain hash', async () => {
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(secret).digest('hex');
    expect(SECRETS.inText('here', `\\x00${hash}ff`)).toMatchObject([{ as: 'plain sha256' }]);
  });
});

describe('a thousand secrets of encrypted properties', () => {
  it('were sent, and as many of the twin that encrypts nothing', () => {
    expect(SECRETS.texts.length).toBeGreaterThan(1_000);
    expect(PLAIN.texts.length).toBeGreaterThan(1_000);
  });

  it('are in no line of the log, at any level', () => {
    expect(logged.split('\n').length).toBeGreaterThan(100);
    expect(logged).toContain('a request was refused');
    expect(logged).toContain('a request failed');
    expect([...SECRETS.inText('log', logged), ...PLAIN.inText('log', logged)]).toEqual([]);
  });

  it('are not in the metrics', () => {
    expect(metrics).toContain('status="409"');
    expect([...SECRETS.inText('metrics', metrics), ...PLAIN.inText('metrics', metrics)]).toEqual([]);
  });

  it('are not in what is published of the trail, where the twin’s are', () => {
    expect(SECRETS.inText('published', published)).toEqual([]);
    expect(PLAIN.inText('published', published)).not.toEqual([]);
  });

  it('are not in what webhooks are sent, where the twin’s are', () => {
    const sent = receiver.received.map(({ headers, text }) => JSON.stringify(headers) + text).join('\n');
    expect(receiver.received.length).toBeGreaterThan(500);
    expect(SECRETS.inText('webhooks', sent)).toEqual([]);
    expect(PLAIN.inText('webhooks', sent)).not.toEqual([]);
  });

  it('are in no row of any table, where the twin’s are: records, history, trail, kept answers, statistics', async () => {
    expect(await rowsWith(SECRETS)).toEqual([]);
    const schema = tenant.schemaName;
    const expected = [`${schema}.plain`, 'business_store_service.idempotency_keys', 'pg_catalog.pg_statistic'];
    const found = places(await rowsWith(PLAIN)).join('\n');
    for (const place of expected) expect(found).toContain(place);
    expect(found).toMatch(/audit\.events/);
    for (const table of [/~history~/, /~deleted~/]) expect(found).toMatch(table);
  });

  it('are in no statement that Postgres remembers, where the twin’s are', async () => {
    const remembered = await statements();
    expect(SECRETS.inText('pg_stat_statements', remembered)).toEqual([]);
    expect(PLAIN.inText('pg_stat_statements', remembered)).not.toEqual([]);
  });

  (DATA_DIR ? it : it.skip)('are not in the log of Postgres, where the twin’s are', async () => {
    const log = await readFile(join(DATA_DIR as string, 'postgres.log'));
    expect(SECRETS.in('postgres.log', log)).toEqual([]);
    expect(PLAIN.in('postgres.log', log).map(({ as }) => as)).toEqual(expect.arrayContaining(['text', 'digits']));
  });

  (DATA_DIR ? it : it.skip)(
    'are in no file of the data directory, where the twin’s are: tables, indexes, write-ahead log',
    async () => {
      expect(await filesWith(SECRETS)).toEqual([]);
      const found = places(await filesWith(PLAIN)).join('\n');
      expect(found).toMatch(/pg_wal/);
      expect(found).toMatch(/base.\d+.\d+/);
    },
  );
});

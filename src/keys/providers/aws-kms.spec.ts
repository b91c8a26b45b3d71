import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { type KeyContext, KeyFault, type KeyFaultKind } from '../key-provider.js';
import { type AwsKms, type AwsKmsOptions, openAwsKms } from './aws-kms.js';
import { ACCESS_KEY, type KmsServer, startKmsServer } from './kms-server.fixture.js';

const SHARED = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const OWN = 'arn:aws:kms:us-east-1:444455556666:key/mrk-0987dcba09fe87dc65ba4321fedc0987';
const [TENANT, OTHER] = ['6f0d2e4e-7b1a-4f0e-9a57-3f5f6c1d2b01', '6f0d2e4e-7b1a-4f0e-9a57-3f5f6c1d2b02'];
const CONTEXT: KeyContext = { tenantId: TENANT, purpose: 'encrypt', version: 1 };

let server: KmsServer;
const opened: AwsKms[] = [];

beforeEach(async () => {
  server = await startKmsServer([SHARED, OWN]);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((kms) => kms.close()));
  await server.close();
});

async function open(options: Partial<AwsKmsOptions> = {}): Promise<AwsKms> {
  const kms = await openAwsKms({ keyId: SHARED, endpoint: server.endpoint, credentials: ACCESS_KEY, ...options });
  opened.push(kms);
  return kms;
}

async function faultOf(work: Promise<unknown>): Promise<KeyFault> {
  const fault = await work.then(
    () => null,
    (error) => error,
  );
  expect(fault).toBeInstanceOf(KeyFault);
  return fault;
}

describe('AWS KMS', () => {
  test.each<[string, Partial<AwsKmsOptions>]>([
    ['no key at all', { keyId: undefined }],
    ['an alias', { keyId: 'alias/business-store' }],
    ['the ARN of an alias', { keyId: 'arn:aws:kms:eu-central-1:111122223333:alias/business-store' }],
    ['a tenant’s key that is no ARN', { tenantKeys: new Map([[TENANT, '1234abcd-12ab-34cd-56ef-1234567890ab']]) }],
    ['a region that would lead elsewhere', { tenantKeys: new Map([[TENANT, OWN.replace('us-east-1', 'x.evil.example/')]]) }],
  ])('is not opened with %s', async (_, options) => {
    await expect(open(options)).rejects.toThrow(/^AWS KMS: /);
  });

  test('refuses a tenant for which there is no key', async () => {
    const kms = await open({ keyId: undefined, tenantKeys: new Map([[TENANT, OWN]]) });
    expect((await faultOf(kms.createKey(OTHER))).kind).toBe('denied');
  });

  test.each<[string, KeyContext]>([
    ['tenant', { ...CONTEXT, tenantId: OTHER }],
    ['purpose', { ...CONTEXT, purpose: 'index' }],
    ['version', { ...CONTEXT, version: 2 }],
  ])('opens no key for another %s than it was wrapped for', async (_, context) => {
    const kms = await open();
    const wrapped = await kms.wrap(SHARED, CONTEXT, randomBytes(32));
    expect((await faultOf(kms.unwrap(SHARED, context, wrapped))).kind).toBe('integrity');
  });

  test('opens nothing that was changed, cut off, or wrapped by another key', async () => {
    const kms = await open({ tenantKeys: new Map([[OTHER, OWN]]) });
    const wrapped = await kms.wrap(SHARED, CONTEXT, randomBytes(32));
    const flipped = Buffer.from(wrapped);
    flipped[100]! ^= 1;
    for (const broken of [flipped, wrapped.subarray(0, -1), wrapped.subarray(0, 9), Buffer.alloc(0), Buffer.alloc(6145)]) {
      expect((await faultOf(kms.unwrap(SHARED, CONTEXT, broken))).kind).toBe('integrity');
    }
    expect((await faultOf(kms.unwrap(OWN, CONTEXT, wrapped))).kind).toBe('integrity');
  });

  test.each<[string, KeyFaultKind]>([
    ['AccessDeniedException', 'denied'],
    ['ExpiredTokenException', 'denied'],
    ['DisabledException', 'denied'],
    ['KMSInvalidStateException', 'denied'],
    ['InvalidKeyUsageException', 'denied'],
    ['NotFoundException', 'destroyed'],
    ['KeyUnavailableException', 'unavailable'],
    ['ThrottlingException', 'unavailable'],
    ['DependencyTimeoutException', 'unavailable'],
    ['constructor', 'denied'],
  ])('calls %s %s', async (refusal, kind) => {
    const kms = await open();
    const wrapped = await kms.wrap(SHARED, CONTEXT, randomBytes(32));
    server.keys.get(SHARED)!.refusal = refusal;
    for (const work of [kms.wrap(SHARED, CONTEXT, randomBytes(32)), kms.unwrap(SHARED, CONTEXT, wrapped)]) {
      expect((await faultOf(work)).kind).toBe(kind);
    }
  });

  test('says so when a key cannot be rotated, or not once more', async () => {
    const kms = await open();
    for (const refusal of ['UnsupportedOperationException', 'LimitExceededException', 'AccessDeniedException']) {
      server.keys.get(SHARED)!.refusal = refusal;
      expect(await faultOf(kms.rotateKey(SHARED))).toMatchObject({ kind: 'denied', message: expect.stringContaining(refusal) });
    }
    server.keys.get(SHARED)!.refusal = 'ConflictException';
    expect((await faultOf(kms.rotateKey(SHARED))).kind).toBe('unavailable');
  });

  test.each<[string, KmsServer['instead'], KeyFaultKind]>([
    ['is silent', 'silence', 'unavailable'],
    ['hangs up', 'hang-up', 'unavailable'],
    ['fails', { status: 500, body: '{"__type":"KMSInternalException"}' }, 'unavailable'],
    ['is behind a proxy that fails', { status: 502, body: '<html>' }, 'unavailable'],
    ['has too many requests', { status: 429, body: '{}' }, 'unavailable'],
    ['answers no JSON', { status: 200, body: '<html>' }, 'integrity'],
    ['answers without what was asked for', { status: 200, body: '{}' }, 'integrity'],
  ])('has a name for it when KMS %s', async (_, instead, kind) => {
    const kms = await open({ timeoutMs: 300 });
    server.instead = instead;
    expect((await faultOf(kms.wrap(SHARED, CONTEXT, randomBytes(32)))).kind).toBe(kind);
    expect((await faultOf(kms.unwrap(SHARED, CONTEXT, randomBytes(90)))).kind).toBe(kind);
  });

  test('asks once: whether to try again is its caller’s decision', async () => {
    const kms = await open();
    server.keys.get(SHARED)!.refusal = 'ThrottlingException';
    await faultOf(kms.wrap(SHARED, CONTEXT, randomBytes(32)));
    expect(server.requests).toHaveLength(1);
  });

  test('is unavailable where nobody listens, and denied to a stranger', async () => {
    const stranger = await open({ credentials: { ...ACCESS_KEY, secretAccessKey: 'another-secret' } });
    expect((await faultOf(stranger.wrap(SHARED, CONTEXT, randomBytes(32)))).kind).toBe('denied');
    const nowhere = await open({ endpoint: 'http://127.0.0.1:1' });
    expect((await faultOf(nowhere.wrap(SHARED, CONTEXT, randomBytes(32)))).kind).toBe('unavailable');
  });

  test('shows nothing of keys and credentials, neither itself nor its faults', async () => {
    const kms = await open();
    const key = randomBytes(32);
    await kms.wrap(SHARED, CONTEXT, key);
    server.keys.get(SHARED)!.refusal = 'AccessDeniedException';
    const fault = await faultOf(kms.wrap(SHARED, CONTEXT, key));
    for (const shown of [kms, fault]) {
      const text = inspect(shown, { depth: 20, showHidden: true });
      expect(text).not.toContain(ACCESS_KEY.secretAccessKey);
      expect(text).not.toContain(key.toString('base64'));
    }
  });

  test('wraps and opens a key, naming the key both times', async () => {
    const kms = await open();
    const key = randomBytes(32);
    const keyRef = await kms.createKey(TENANT);
    const wrapped = await kms.wrap(keyRef, CONTEXT, key);
    expect(wrapped.includes(key)).toBe(false);
    expect(await kms.unwrap(keyRef, CONTEXT, wrapped)).toEqual(key);
    expect(server.requests.map(({ operation, body }) => [operation, body.KeyId, body.EncryptionContext])).toEqual(
      ['Encrypt', 'Decrypt'].map((operation) => [
        operation,
        SHARED,
        { service: 'business-store', tenant: TENANT, purpose: 'encrypt', version: '1' },
      ]),
    );
  });

  test('uses the key that a tenant brings, in its own region', async () => {
    const kms = await open({
      keyId: '1234abcd-12ab-34cd-56ef-1234567890ab',
      region: 'eu-central-1',
      tenantKeys: new Map([[TENANT, OWN]]),
    });
    for (const tenantId of [TENANT, OTHER]) {
      const keyRef = await kms.createKey(tenantId);
      const context = { ...CONTEXT, tenantId };
      const key = randomBytes(32);
      expect(await kms.unwrap(keyRef, context, await kms.wrap(keyRef, context, key))).toEqual(key);
    }
    expect(server.requests.map(({ region }) => region)).toEqual(['us-east-1', 'us-east-1', 'eu-central-1', 'eu-central-1']);
  });

  test('opens what was wrapped before a rotation', async () => {
    const kms = await open();
    const key = randomBytes(32);
    const wrapped = await kms.wrap(SHARED, CONTEXT, key);
    await kms.rotateKey(SHARED);
    expect(server.keys.get(SHARED)!.materials).toHaveLength(2);
    expect(await kms.unwrap(SHARED, CONTEXT, wrapped)).toEqual(key);
    expect(await kms.unwrap(SHARED, CONTEXT, await kms.wrap(SHARED, CONTEXT, key))).toEqual(key);
  });

  test('destroys neither a shared key nor one that a tenant brought, and says so without asking', async () => {
    const kms = await open({ tenantKeys: new Map([[TENANT, OWN]]) });
    expect(await kms.destroyKey(SHARED)).toMatchObject({ destroyed: false, detail: expect.stringContaining('shared') });
    expect(await kms.destroyKey(OWN)).toMatchObject({ destroyed: false, detail: expect.stringContaining('own') });
    expect(server.requests).toEqual([]);
  });
});

/** The OpenAPI documents as they are served: valid, the caller's own, and true of what the service answers. */

import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Role } from '../../src/access/principal.js';
import { readChinook } from '../../src/demo/load-chinook.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

interface Document {
  readonly paths: Record<
    string,
    Record<string, { operationId: string; responses: JsonObject; requestBody?: { content: JsonObject } }>
  >;
  readonly components: { readonly schemas: JsonObject };
  readonly [member: string]: unknown;
}

let test: TestService;
let tenant: TestTenant;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('acme');
  await tenant.define('ticket', TICKET);
  for (const { name, document } of await readChinook()) await tenant.define(name, document);
});

afterAll(() => test.stop());

const TICKET = {
  title: 'Ticket',
  description: 'It’s *work* | </script>',
  type: 'object',
  required: ['number', 'owner'],
  concurrency: 'required',
  properties: {
    number: { type: 'integer', unique: true },
    owner: { type: ['string', 'null'] },
    state: { type: 'string', enum: ['open', 'done'], default: 'open' },
    pin: { type: 'string', writeOnly: true },
    opened: { type: 'string', format: 'date-time', generated: 'now' },
    price: { type: 'string', format: 'decimal', precision: 8, scale: 2 },
    tree: { $ref: '#/$defs/node' },
    anything: {},
  },
  $defs: { node: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } } } },
};

async function documentFor(role: Role): Promise<Document> {
  return (await (await tenant.as(role))('get', '/openapi.json').expect(200)).body;
}

function operationsOf({ paths }: Document): string[] {
  return Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'parameters')
        .map((method) => `${method} ${path}`),
    )
    .sort();
}

/** Checks a value against one of the document's own schemas; the faults. */
function faults(document: Document, component: string, value: unknown): unknown {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }))
    .addFormat('date-time-local', true)
    .addFormat('decimal', true);
  const validate = ajv.addSchema(document, 'openapi').compile({ $ref: `openapi#/components/schemas/${component}` });
  return validate(value) ? [] : validate.errors;
}

const identifierOf = (document: Document, path: string, method: string) =>
  document.paths[path]![method]!.operationId.replace(/^[a-z]+/, '');

describe('the document of a tenant', () => {
  it.each<Role>(['viewer', 'auditor', 'editor', 'service', 'admin'])('is valid OpenAPI 3.1 for the role %s', async (role) => {
    const document = await documentFor(role);
    expect(document.openapi).toBe('3.1.0');
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
    const ajv = addFormats(new Ajv2020({ strict: false }))
      .addFormat('date-time-local', true)
      .addFormat('decimal', true);
    ajv.addSchema(document, 'openapi');
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.getSchema(`openapi#/components/schemas/${name}`)).toBeInstanceOf(Function);
    }
  });

  it('shows readers what they may read and writers what they may write, and every role what it may do alone', async () => {
    const [viewer, auditor, editor, admin] = await Promise.all(
      (['viewer', 'auditor', 'editor', 'admin'] as const).map(documentFor),
    );
    expect(operationsOf(viewer!)).toHaveLength(3 * 12);
    expect(operationsOf(viewer!).every((operation) => operation.startsWith('get '))).toBe(true);
    expect(operationsOf(auditor!)).toEqual(operationsOf(viewer!));
    expect(operationsOf(editor!)).toHaveLength(11 * 12);
    expect(operationsOf(admin!)).toEqual(operationsOf(editor!));
    expect(JSON.stringify(viewer)).not.toContain('requestBody');
    expect(JSON.stringify(viewer)).not.toContain('"pin"');
  });

  it('tells of nobody else’s entities, and of a new one as soon as it is defined', async () => {
    const other = await test.tenant('other');
    const call = await other.as();
    expect((await call('get', '/openapi.json')).body.paths).toEqual({});
    await other.define('own', { type: 'object' });
    expect(Object.keys((await call('get', '/openapi.json')).body.paths)).toEqual([
      expect.stringMatching(/\/records\/own$/),
      expect.stringMatching(/\/records\/own\/\{id\}$/),
      expect.stringMatching(/\/exports\/own$/),
      expect.stringMatching(/\/imports\/own$/),
    ]);
    const path = `/api/v1/tenants/${tenant.id}/openapi.json`;
    expect(refusal(await test.request(await test.token(['admin'], other.id), 'get', path))).toBe('403 auth/tenant-mismatch');
    expect(refusal(await test.request(null, 'get', path))).toBe('401 auth/missing-credentials');
  });

  it('describes what is sent and what comes back', async () => {
    const call = await tenant.as();
    const document = await documentFor('admin');
    const path = '/records/ticket';
    const name = identifierOf(document, path, 'post');
    const sent = {
      number: 1,
      owner: null,
      pin: '1234',
      price: '10.00',
      tree: { children: [{}, { children: [] }] },
      anything: [1, null],
      more: true,
    };
    expect(faults(document, `${name}.Input`, sent)).toEqual([]);
    const created = await call('post', '/records/ticket').send(sent);
    expect([created.status, faults(document, name, created.body)]).toEqual([201, []]);
    const replacement = { number: 2, owner: 'me', state: 'done' };
    expect(faults(document, `${name}.Replacement`, replacement)).toEqual([]);
    const replaced = await call('put', `/records/ticket/${created.body.id}`).set('if-match', '"1"').send(replacement);
    expect([replaced.status, faults(document, name, replaced.body)]).toEqual([200, []]);
    for (const [patch, revision] of [
      [{ owner: null, state: null }, '"2"'],
      [{ owner: 'you', number: 3 }, '"3"'],
    ] as const) {
      expect(faults(document, `${name}.Patch`, patch)).toEqual([]);
      const patched = await call('patch', `/records/ticket/${created.body.id}`).set('if-match', revision).send(patch);
      expect([patched.status, faults(document, name, patched.body)]).toEqual([200, []]);
    }
    expect(faults(document, `${name}.Patch`, { number: null })).not.toEqual([]);
    expect(document.paths[`${path}/{id}`]?.patch).toMatchObject({
      description: expect.stringContaining('sets a required one that may be null to null'),
    });
  });

  it('refuses what the service refuses, and describes the refusal', async () => {
    const call = await tenant.as();
    const document = await documentFor('admin');
    const path = '/records/ticket';
    const name = identifierOf(document, path, 'post');
    for (const body of [
      { number: '1', owner: null },
      { owner: null },
      { number: 1 },
      { number: 1, owner: 2 },
      { number: 1, owner: null, state: 'x' },
      [],
    ]) {
      const answer = await call('post', '/records/ticket').send([body]);
      expect(refusal(answer)).toBe('422 record/invalid');
      expect(faults(document, `${name}.Input`, body)).not.toEqual([]);
      expect(faults(document, 'problem', answer.body)).toEqual([]);
      expect(document.paths[path]?.post?.responses).toHaveProperty('422');
    }
    for (const [method, suffix, status] of [
      ['delete', '/{id}', 428],
      ['put', '/{id}', 412],
      ['post', '', 413],
      ['get', '', 400],
      ['patch', '/{id}', 409],
    ] as const) {
      expect(document.paths[path + suffix]?.[method]?.responses).toHaveProperty(String(status));
    }
  });

  it('takes every record of the example as input', async () => {
    const document = await documentFor('editor');
    for (const { name, records } of await readChinook()) {
      const identifier = identifierOf(document, `/records/${name}`, 'post');
      expect([name, faults(document, `${identifier}.Input`, records[0])]).toEqual([name, []]);
    }
  });
});

describe('the document of the platform', () => {
  it('is valid, public, and has every path but the records', async () => {
    const { status, body } = await test.request(null, 'get', '/api/v1/openapi.json');
    expect(status).toBe(200);
    expect(await new Validator().validate(structuredClone(body))).toMatchObject({ valid: true });
    for (const path of ['/api/v1/session', '/api/v1/tenants', '/api/v1/tenants/{tenantId}', '/api/v1/tenants/{tenantId}/audit']) {
      expect(Object.keys(body.paths)).toContain(path);
    }
  });

  it('tells of the limits where a tenant has any', async () => {
    const { body } = await test.request(null, 'get', '/api/v1/openapi.json');
    const headersOf = (path: string) => Object.keys(body.paths[path].get.responses['200'].headers ?? {});
    expect(headersOf('/api/v1/tenants/{tenantId}/entities')).toEqual(['RateLimit', 'RateLimit-Policy']);
    expect(headersOf('/api/v1/tenants')).toEqual([]);
    expect(body.paths['/api/v1/tenants/{tenantId}/entities'].get.responses['429']).toBeDefined();
    expect(Object.keys(body.components.headers)).toEqual(['ratelimit', 'ratelimit-policy', 'retry-after']);
  });

  it('is rendered by /docs, which loads nothing from elsewhere', async () => {
    const { status, text, headers } = await test.request(null, 'get', '/docs');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toBeDefined();
    const sources = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url as string);
    expect(sources.length).toBeGreaterThan(0);
    for (const url of sources) {
      expect(url).toMatch(/^\/|^\.|^docs/);
      expect((await test.request(null, 'get', new URL(url, `${test.service.url}/docs`).pathname)).status).toBe(200);
    }
  });
});

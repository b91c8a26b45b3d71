import { Access } from '../access/access.js';
import { readEntity } from '../model/document/read-entity.js';
import type { JsonObject } from '../platform/json-value.js';
import { tenantOpenApi } from './tenant-openapi.js';

interface Document {
  readonly paths: Record<string, Record<string, { readonly responses?: Record<string, JsonObject> }>>;
  readonly components: { readonly responses: Record<string, JsonObject>; readonly headers: JsonObject };
}

const TENANT = { id: '0190a1b2-0000-7000-8000-000000000001', slug: 'acme', name: 'Acme' };

const { paths, components } = tenantOpenApi({
  tenant: TENANT,
  entities: [
    readEntity('ticket', { type: 'object', history: 'full', softDelete: true, properties: { number: { type: 'integer' } } }),
  ],
  access: Access.of({ subject: 'somebody', tenantId: TENANT.id, roles: ['admin'], claims: {} }),
  serverUrl: '/',
  version: '1.2.3',
}) as unknown as Document;

const operations = Object.values(paths).flatMap((path) => Object.values(path).filter(({ responses }) => responses !== undefined));

const nameOf = ({ $ref }: JsonObject): string => String($ref).split('/').pop() as string;

/** Of each answer that may come: its status and its headers, wherever they are declared. */
const answers = operations.flatMap(({ responses }) =>
  Object.entries(responses ?? {}).map(([status, own]) => {
    const { headers } = own.$ref === undefined ? own : (components.responses[nameOf(own)] as JsonObject);
    return { status, headers: headers as Record<string, JsonObject> };
  }),
);

describe('the answers of records, imports and exports', () => {
  it('tell of the limits, unless nobody is known', () => {
    const silent = answers.filter(({ headers }) => !headers.RateLimit || !headers['RateLimit-Policy']);
    expect(new Set(silent.map(({ status }) => status))).toEqual(new Set(['401']));
  });

  it('say when to come again, where they refuse what is too much', () => {
    const refusals = answers.filter(({ status }) => status === '429');
    expect(refusals).toHaveLength(operations.length);
    expect(refusals.filter(({ headers }) => !headers['Retry-After'])).toEqual([]);
  });

  it('refer to headers that are there, and to each that is', () => {
    const named = answers.flatMap(({ headers }) => Object.values(headers).filter(({ $ref }) => $ref !== undefined));
    expect(new Set(named.map(nameOf))).toEqual(new Set(Object.keys(components.headers)));
  });
});

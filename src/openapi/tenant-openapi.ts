/**
 * The OpenAPI 3.1 document of one tenant as one caller sees it: its entities' records, and only the operations that the
 * caller's roles and scopes permit. Pure; served at `…/tenants/{tenantId}/openapi.json`.
 */
import type { Access } from '../access/access.js';
import type { Operation } from '../access/operations.js';
import { type Entity, isKeptBack } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import { SchemaComponents } from './document-schema.js';
import { FILTER_SCHEMAS, LIST_PARAMETERS } from './filter-parameters.js';
import { identifiersOf } from './identifiers.js';
import { LIMIT_HEADERS, withLimits } from './limit-headers.js';
import { pastPaths } from './past-operations.js';
import { PROBLEM_RESPONSES, PROBLEM_SCHEMAS } from './problem-responses.js';
import { recordPaths } from './record-operations.js';
import { KEPT_BACK_HEADERS, RECORD_HEADERS, RECORD_PARAMETERS } from './record-parameters.js';
import { holdsEncrypted, withKeyProblems } from './sealed-entities.js';
import { TRANSFER_SCHEMAS, transferPaths } from './transfer-operations.js';

export interface TenantOpenApiInput {
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string };
  readonly entities: readonly Entity[];
  readonly access: Access;
  /** Origin, with a path prefix if there is one: `https://store.example`. */
  readonly serverUrl: string;
  readonly version: string;
}

/** Depends on roles and scopes only, not on who holds them: two callers with equal ones get equal documents. */
export function tenantOpenApi({ tenant, entities, access, serverUrl, version }: TenantOpenApiInput): JsonObject {
  const sorted = [...entities].sort((a, b) => (a.name < b.name ? -1 : 1));
  const identifiers = identifiersOf(sorted.map(({ name }) => name));
  const components = new SchemaComponents();
  const paths = sorted.map((entity) => {
    const may = (operation: Operation): boolean => access.may(operation, entity.name);
    const rights = {
      read: may('records.read'),
      create: may('records.create'),
      update: may('records.update'),
      delete: may('records.delete'),
    };
    const transfer = { export: may('records.export'), import: may('records.import') };
    const past = {
      history: may('history.read'),
      forget: may('history.purge'),
      deleted: may('deleted.read'),
      restore: may('deleted.restore'),
      purge: may('deleted.purge'),
    };
    const identifier = identifiers.get(entity.name)!;
    const own = {
      ...recordPaths(entity, identifier, rights, components),
      ...pastPaths(entity, identifier, past, components),
      ...transferPaths(entity, identifier, transfer),
    };
    return withLimits(holdsEncrypted(entity) ? withKeyProblems(own) : own);
  });
  return {
    openapi: '3.1.0',
    info: {
      title: `${tenant.name}: records`,
      version,
      description: `The entities of the tenant \`${tenant.slug}\` and what the roles ${access.roles.join(', ')} may do with their records.`,
    },
    // The tenant is in the server's address, not in the paths: a client generated for one tenant serves all with its entities.
    servers: [{ url: `${serverUrl.replace(/\/+$/, '')}/api/v1/tenants/${encodeURIComponent(tenant.id)}` }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: paths.flatMap((own, index) => (Object.keys(own).length > 0 ? [tagOf(sorted[index]!)] : [])),
    paths: Object.assign({}, ...paths) as JsonObject,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token of the Auth Service, or an API key.',
        },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      parameters: { ...LIST_PARAMETERS, ...RECORD_PARAMETERS },
      headers: { ...RECORD_HEADERS, ...(keepsBack(entities) && KEPT_BACK_HEADERS), ...LIMIT_HEADERS },
      responses: PROBLEM_RESPONSES,
      schemas: { ...components.toJSON(), ...FILTER_SCHEMAS, ...TRANSFER_SCHEMAS, ...PROBLEM_SCHEMAS },
    },
  };
}

function tagOf({ name, document: { title, description } }: Entity): JsonObject {
  const about = [title, description].filter((text) => typeof text === 'string' && text !== name);
  return { name, ...(about.length > 0 && { description: about.join('. ') }) };
}

function keepsBack(entities: readonly Entity[]): boolean {
  return entities.some(({ properties }) => properties.some(isKeptBack));
}

/** The paths of what an entity keeps of its past in an OpenAPI document: nothing of an entity that keeps none. */
import type { Entity } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import type { SchemaComponents } from './document-schema.js';
import { problemResponses } from './problem-responses.js';
import { header, parameter } from './record-parameters.js';
import { RecordSchemas } from './record-schemas.js';

export interface PastRights {
  readonly history: boolean;
  readonly forget: boolean;
  readonly deleted: boolean;
  readonly restore: boolean;
  readonly purge: boolean;
}

const PAGE: readonly JsonObject[] = [
  { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 } },
  { name: 'after', in: 'query', schema: { type: 'string' }, description: 'The `next` of the page before.' },
];

const READING = [400, 401, 403, 404, 409, 429, 500, 503];

/** Paths below the tenant's own. */
export function pastPaths(entity: Entity, identifier: string, rights: PastRights, components: SchemaComponents): JsonObject {
  const { keeps, name } = entity;
  const record = () => new RecordSchemas(entity, identifier, components);
  const operation = (verb: string, summary: string, rest: JsonObject): JsonObject => ({
    ...{ operationId: `${verb}${identifier}`, tags: [name], summary, ...rest },
  });
  const path = encodeURIComponent(name);
  const deleted = `/deleted/${path}`;
  const ofOne = { parameters: [parameter('id')] };
  const history = {
    ...(rights.history && {
      get: operation('history', 'What happened to a record, latest first', {
        parameters: PAGE,
        responses: { 200: json('Its versions.', pageOf(versionSchema(record().returned()))), ...problemResponses(READING) },
      }),
    }),
    ...(rights.forget && {
      delete: operation('purgeHistory', 'Purge the former versions of a record', {
        parameters: [parameter('prefer.rehearsal'), parameter('idempotency-key')],
        responses: { 204: { description: 'Nothing is kept of them any more.' }, ...problemResponses(READING) },
      }),
    }),
  };
  const one = {
    ...(rights.deleted && {
      get: operation('getDeleted', 'Get a deleted record', {
        responses: {
          200: json('What was deleted, when and by whom.', deletedSchema(record().returned())),
          ...problemResponses(READING),
        },
      }),
    }),
    ...(rights.purge && {
      delete: operation('purge', 'Purge a deleted record and its former versions', {
        parameters: [parameter('prefer.rehearsal'), parameter('idempotency-key')],
        responses: { 204: { description: 'Nothing is kept of it any more.' }, ...problemResponses(READING) },
      }),
    }),
  };
  return {
    ...(keeps.history && Object.keys(history).length > 0 && { [`/records/${path}/{id}/history`]: { ...ofOne, ...history } }),
    ...(keeps.deleted &&
      rights.deleted && {
        [deleted]: {
          get: operation('listDeleted', 'List deleted records, latest first', {
            parameters: PAGE,
            responses: {
              200: json('What was deleted.', pageOf(deletedSchema(record().returned()))),
              ...problemResponses(READING),
            },
          }),
        },
      }),
    ...(keeps.deleted && Object.keys(one).length > 0 && { [`${deleted}/{id}`]: { ...ofOne, ...one } }),
    ...(keeps.deleted &&
      rights.restore && {
        [`${deleted}/{id}/restore`]: {
          ...ofOne,
          post: operation('restore', 'Restore a deleted record', {
            description:
              'What was deleted with it, because it referred to it, comes back too. The body, if there is one, is a merge patch: for a ' +
              'record that is no longer valid as it was.',
            parameters: [parameter('prefer.rehearsal'), parameter('idempotency-key')],
            requestBody: { required: false, content: { 'application/json': { schema: record().patch() } } },
            responses: {
              200: { ...json('The record as it is again.', record().returned()), headers: { ETag: header('etag') } },
              ...problemResponses([...READING, 413, 415, 422]),
            },
          }),
        },
      }),
  };
}

function json(description: string, schema: JsonObject): JsonObject {
  return { description, content: { 'application/json': { schema } } };
}

function pageOf(items: JsonObject): JsonObject {
  return {
    type: 'object',
    required: ['items', 'next'],
    properties: {
      items: { type: 'array', items },
      next: { type: ['string', 'null'], description: 'For `after`, if there is more.' },
    },
  };
}

const instant = (description: string): JsonObject => ({ type: 'string', format: 'date-time', description });

function versionSchema(record: JsonObject): JsonObject {
  return {
    type: 'object',
    required: ['action', 'at', 'by', 'revision', 'version'],
    properties: {
      action: { enum: ['created', 'updated', 'deleted', 'restored'] },
      at: instant('When it happened.'),
      by: { type: 'string', description: 'The subject of the token.' },
      revision: { type: 'integer', minimum: 1 },
      version: { type: 'integer', minimum: 1, description: 'Of the document by which the record is read.' },
      changes: {
        type: 'array',
        items: { type: 'object' },
        description: 'From the version before (RFC 6902), where that is known.',
      },
      record: { ...record, description: 'As it was then; not of a deletion.' },
    },
  };
}

function deletedSchema(record: JsonObject): JsonObject {
  return {
    type: 'object',
    required: ['id', 'deletedAt', 'deletedBy', 'deletion', 'keptUntil', 'version', 'record'],
    properties: {
      id: { type: 'string', format: 'uuid' },
      deletedAt: instant('When it was deleted.'),
      deletedBy: { type: 'string', description: 'The subject of the token.' },
      deletion: { type: 'string', format: 'uuid', description: 'Shared by what was deleted together.' },
      keptUntil: { type: ['string', 'null'], format: 'date-time', description: 'null: until it is purged.' },
      version: { type: 'integer', minimum: 1, description: 'Of the document by which the record is read.' },
      record: { ...record, description: 'As it was when it was deleted.' },
    },
  };
}

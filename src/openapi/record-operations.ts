/** The paths of one entity's records in an OpenAPI document: the operations that somebody with these rights may perform. */
import { type Entity, isKeptBack } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import type { SchemaComponents } from './document-schema.js';
import { listParameters } from './filter-parameters.js';
import { problemResponses } from './problem-responses.js';
import { header, parameter } from './record-parameters.js';
import { RecordSchemas } from './record-schemas.js';

export interface RecordRights {
  readonly read: boolean;
  readonly create: boolean;
  readonly update: boolean;
  readonly delete: boolean;
}

const JSON_TYPE = 'application/json';
const MERGE_PATCH = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** Paths below the tenant's own; a path without any permitted operation is left out. */
export function recordPaths(entity: Entity, identifier: string, rights: RecordRights, components: SchemaComponents): JsonObject {
  const path = `/records/${encodeURIComponent(entity.name)}`;
  const operations = new RecordOperations(entity, identifier, components);
  const collection = {
    ...(rights.read && { get: operations.list() }),
    ...(rights.create && { post: operations.insert() }),
    ...(rights.update && { put: operations.put(), patch: operations.patchFound() }),
    ...(rights.delete && { delete: operations.removeFound() }),
  };
  const single = {
    ...(rights.read && { get: operations.get() }),
    ...(rights.update && { put: operations.replace(), patch: operations.patch() }),
    ...(rights.delete && { delete: operations.remove() }),
  };
  return {
    ...(Object.keys(collection).length > 0 && { [path]: collection }),
    ...(Object.keys(single).length > 0 && { [`${path}/{id}`]: { parameters: [parameter('id')], ...single } }),
  };
}

class RecordOperations {
  readonly #schemas: RecordSchemas;
  readonly #precondition: JsonObject;
  readonly #lost: readonly number[];

  constructor(
    private readonly entity: Entity,
    private readonly identifier: string,
    components: SchemaComponents,
  ) {
    this.#schemas = new RecordSchemas(entity, identifier, components);
    const required = entity.concurrency === 'required';
    this.#precondition = parameter(required ? 'if-match.required' : 'if-match');
    this.#lost = required ? [412, 428] : [412];
  }

  list(): JsonObject {
    return this.#operation('list', 'List or search records', {
      parameters: [...listParameters(this.entity), ...this.#asOf(), parameter('prefer.count'), parameter('if-none-match')],
      responses: {
        200: {
          description: 'The records.',
          headers: {
            ...{ 'Content-Range': header('content-range'), ETag: header('etag.list'), Link: header('link') },
            ...{ ...this.#memento(), ...this.#keptBack() },
          },
          content: { [JSON_TYPE]: { schema: { type: 'array', items: this.#schemas.returned() } } },
        },
        304: { description: 'The list is still as it was read.', headers: { ETag: header('etag.list') } },
        // 300: what `select` embeds could be several relations.
        ...problemResponses([300, 400, 401, 403, 404, 406, ...this.#overtaken(), 429, 500, 503]),
      },
    });
  }

  insert(): JsonObject {
    return this.#operation('insert', 'Insert one record or many', {
      description: 'An object in, an object out; an array in, an array out. All are stored or none.',
      parameters: ['on_conflict', 'columns', 'list.select', 'prefer.insert', 'idempotency-key'].map(parameter),
      requestBody: { required: true, content: { [JSON_TYPE]: { schema: oneOrMany(this.#schemas.input()) } } },
      responses: {
        200: {
          description: 'Nothing was inserted: all were there, and are as they are answered.',
          content: { [JSON_TYPE]: { schema: oneOrMany(this.#schemas.returned()) } },
        },
        201: {
          description: 'Stored. ETag and Location are sent when the body was an object.',
          headers: { ETag: header('etag'), Location: header('location'), 'Idempotency-Replayed': header('idempotency-replayed') },
          content: { [JSON_TYPE]: { schema: oneOrMany(this.#schemas.returned()) } },
        },
        ...problemResponses([300, 400, 401, 403, 404, 409, 413, 415, 422, 428, 429, 500, 503]),
      },
    });
  }

  put(): JsonObject {
    return this.#operation('put', 'Insert or replace the record with a key', {
      description: 'The query has `eq` for each member of a unique key, with the values that the body has: `?sku=eq.A1`.',
      parameters: [...this.#filters(), this.#precondition, parameter('prefer.return'), parameter('idempotency-key')],
      requestBody: { required: true, content: { [JSON_TYPE]: { schema: this.#schemas.input() } } },
      responses: {
        200: this.#single('The record as it is now.'),
        201: this.#single('The record as it was stored.'),
        204: { description: '`return=minimal` was asked for.', headers: { ETag: header('etag') } },
        ...problemResponses([400, 401, 403, 404, 409, 413, 415, 422, ...this.#lost, 429, 500, 503]),
      },
    });
  }

  patchFound(): JsonObject {
    return this.#operation('patchFound', 'Change whatever a filter finds (RFC 7396)', {
      description: 'All records that are found are changed, or none. Without any filter it is refused.',
      parameters: [...this.#filters(), parameter('prefer.found'), parameter('idempotency-key')],
      requestBody: {
        required: true,
        content: Object.fromEntries([MERGE_PATCH, JSON_TYPE].map((type) => [type, { schema: this.#schemas.patch() }])),
      },
      responses: this.#found('The records as they are now.'),
    });
  }

  removeFound(): JsonObject {
    return this.#operation('deleteFound', 'Delete whatever a filter finds', {
      description: 'All records that are found are deleted, or none. Without any filter it is refused.',
      parameters: [...this.#filters(), parameter('prefer.found'), parameter('idempotency-key')],
      responses: this.#found('The records as they were; `return=representation` was asked for.'),
    });
  }

  #found(description: string): JsonObject {
    return {
      200: {
        description,
        headers: { 'Content-Range': header('content-range') },
        content: { [JSON_TYPE]: { schema: { type: 'array', items: this.#schemas.returned() } } },
      },
      204: { description: 'Done.', headers: { 'Content-Range': header('content-range') } },
      ...problemResponses([300, 400, 401, 403, 404, 409, 413, 415, 422, 428, 429, 500, 503]),
    };
  }

  /** Those of lists that say which records, and what is answered of them. */
  #filters(): readonly JsonObject[] {
    return listParameters(this.entity).filter(({ $ref }) => !/\/list\.(limit|offset|after)$/.test(String($ref)));
  }

  get(): JsonObject {
    return this.#operation('get', 'Get a record', {
      parameters: [...this.#asOf(), parameter('if-none-match')],
      responses: {
        200: this.#single('The record.'),
        304: { description: 'The record is still as it was read.', headers: { ETag: header('etag') } },
        ...problemResponses([400, 401, 403, 404, ...this.#overtaken(), 429, 500, 503]),
      },
    });
  }

  #asOf(): JsonObject[] {
    return this.entity.keeps.history ? [parameter('as-of')] : [];
  }

  #memento(): JsonObject {
    return this.entity.keeps.history ? { 'Memento-Datetime': header('memento-datetime') } : {};
  }

  #keptBack(): JsonObject {
    return this.entity.properties.some(isKeptBack) ? { 'X-Redacted': header('x-redacted') } : {};
  }

  /** Of the past: something that was read then has another type now. */
  #overtaken(): number[] {
    return this.entity.keeps.history ? [409] : [];
  }

  replace(): JsonObject {
    return this.#change('replace', 'Replace a record', { [JSON_TYPE]: this.#schemas.replacement() });
  }

  patch(): JsonObject {
    const description =
      'A JSON merge patch: null removes an optional member, and sets a required one that may be null to null. ' +
      'To store null in an optional member, replace the record (PUT).';
    // Clients that send everything as plain JSON are understood as well.
    const schema = this.#schemas.patch();
    const bodies = { [MERGE_PATCH]: schema, [JSON_TYPE]: schema, [JSON_PATCH]: OPERATIONS };
    return this.#change('patch', 'Change members of a record (RFC 7396, RFC 6902)', bodies, description);
  }

  remove(): JsonObject {
    return this.#operation('delete', 'Delete a record', {
      parameters: [this.#precondition, parameter('idempotency-key')],
      responses: {
        204: { description: 'Deleted.' },
        ...problemResponses([400, 401, 403, 404, 409, ...this.#lost, 429, 500, 503]),
      },
    });
  }

  #change(verb: string, summary: string, bodies: Readonly<Record<string, JsonObject>>, description?: string): JsonObject {
    return this.#operation(verb, summary, {
      ...(description !== undefined && { description }),
      parameters: [this.#precondition, ...['list.select', 'prefer.return', 'idempotency-key'].map(parameter)],
      requestBody: {
        required: true,
        content: Object.fromEntries(Object.entries(bodies).map(([type, schema]) => [type, { schema }])),
      },
      responses: {
        200: this.#single('The record as it is now.'),
        204: { description: 'Changed; `return=minimal` was asked for.', headers: { ETag: header('etag') } },
        ...problemResponses([300, 400, 401, 403, 404, 406, 409, 413, 415, 422, ...this.#lost, 429, 500, 503]),
      },
    });
  }

  #single(description: string): JsonObject {
    return {
      description,
      headers: { ETag: header('etag'), ...this.#keptBack() },
      content: { [JSON_TYPE]: { schema: this.#schemas.returned() } },
    };
  }

  #operation(verb: string, summary: string, rest: JsonObject): JsonObject {
    return { operationId: `${verb}${this.identifier}`, tags: [this.entity.name], summary, ...rest };
  }
}

function oneOrMany(schema: JsonObject): JsonObject {
  return { oneOf: [schema, { type: 'array', items: schema }] };
}

/** RFC 6902 §4. */
const OPERATIONS: JsonObject = {
  type: 'array',
  items: {
    type: 'object',
    required: ['op', 'path'],
    properties: {
      op: { enum: ['add', 'remove', 'replace', 'move', 'copy', 'test'] },
      path: { type: 'string', format: 'json-pointer' },
      from: { type: 'string', format: 'json-pointer' },
      value: {},
    },
  },
};

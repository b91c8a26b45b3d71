/** The paths of one entity's records in an OpenAPI document: the operations that somebody with these rights may perform. */
import type { Entity } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import type { SchemaComponents } from './document-schema.js';
import { listParameters } from './filter-parameters.js';
import { problemResponses } from './problem-responses.js';
import { RecordSchemas } from './record-schemas.js';

export interface RecordRights {
  readonly read: boolean;
  readonly create: boolean;
  readonly update: boolean;
  readonly delete: boolean;
}

const JSON_TYPE = 'application/json';
const MERGE_PATCH = 'application/merge-patch+json';

/** `components/parameters` and `components/headers` that the operations refer to. */
export const RECORD_PARAMETERS: JsonObject = {
  id: { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' }, description: 'The record.' },
  'prefer.count': {
    name: 'Prefer',
    in: 'header',
    schema: { type: 'string', examples: ['count=exact'] },
    description: '`count=exact`: Content-Range tells how many records there are in all.',
  },
  'prefer.return': {
    name: 'Prefer',
    in: 'header',
    schema: { type: 'string', examples: ['return=minimal'] },
    description: '`return=minimal`: no body in the answer. Otherwise it is the representation.',
  },
  'if-none-match': {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string', examples: ['"3"'] },
    description: 'The ETag that was read. The answer is 304 while the record has not changed.',
  },
  'if-match': ifMatch(false),
  'if-match.required': ifMatch(true),
};

export const RECORD_HEADERS: JsonObject = {
  etag: { schema: { type: 'string', examples: ['"3"'] }, description: 'The revision of the record, for If-Match.' },
  location: { schema: { type: 'string', format: 'uri-reference' }, description: 'The path of the new record.' },
  'content-range': {
    schema: { type: 'string', examples: ['0-19/*', '0-19/347', '*/0'] },
    description: 'First and last record of this answer, and how many there are in all when `count=exact` was asked for.',
  },
};

/** Paths below the tenant's own; a path without any permitted operation is left out. */
export function recordPaths(entity: Entity, identifier: string, rights: RecordRights, components: SchemaComponents): JsonObject {
  const path = `/records/${encodeURIComponent(entity.name)}`;
  const operations = new RecordOperations(entity, identifier, components);
  const collection = {
    ...(rights.read && { get: operations.list() }),
    ...(rights.create && { post: operations.insert() }),
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
      parameters: [...listParameters(this.entity), parameter('prefer.count')],
      responses: {
        200: {
          description: 'The records.',
          headers: { 'Content-Range': header('content-range') },
          content: { [JSON_TYPE]: { schema: { type: 'array', items: this.#schemas.returned() } } },
        },
        // 300: what `select` embeds could be several relations.
        ...problemResponses([300, 400, 401, 403, 404, 406, 500, 503]),
      },
    });
  }

  insert(): JsonObject {
    const oneOrMany = (schema: JsonObject): JsonObject => ({ oneOf: [schema, { type: 'array', items: schema }] });
    return this.#operation('insert', 'Insert one record or many', {
      description: 'An object in, an object out; an array in, an array out. All are stored or none.',
      parameters: [parameter('prefer.return')],
      requestBody: { required: true, content: { [JSON_TYPE]: { schema: oneOrMany(this.#schemas.input()) } } },
      responses: {
        201: {
          description: 'Stored. ETag and Location are sent when the body was an object.',
          headers: { ETag: header('etag'), Location: header('location') },
          content: { [JSON_TYPE]: { schema: oneOrMany(this.#schemas.returned()) } },
        },
        ...problemResponses([400, 401, 403, 404, 409, 413, 415, 422, 500, 503]),
      },
    });
  }

  get(): JsonObject {
    return this.#operation('get', 'Get a record', {
      parameters: [parameter('if-none-match')],
      responses: {
        200: this.#single('The record.'),
        304: { description: 'The record is still as it was read.', headers: { ETag: header('etag') } },
        ...problemResponses([400, 401, 403, 404, 500, 503]),
      },
    });
  }

  replace(): JsonObject {
    return this.#change('replace', 'Replace a record', [JSON_TYPE], this.#schemas.replacement());
  }

  patch(): JsonObject {
    const description =
      'A JSON merge patch: null removes an optional member, and sets a required one that may be null to null. ' +
      'To store null in an optional member, replace the record (PUT).';
    // Clients that send everything as plain JSON are understood as well.
    const mediaTypes = [MERGE_PATCH, JSON_TYPE];
    return this.#change('patch', 'Change members of a record (RFC 7396)', mediaTypes, this.#schemas.patch(), description);
  }

  remove(): JsonObject {
    return this.#operation('delete', 'Delete a record', {
      parameters: [this.#precondition],
      responses: {
        204: { description: 'Deleted.' },
        ...problemResponses([400, 401, 403, 404, 409, ...this.#lost, 500, 503]),
      },
    });
  }

  #change(verb: string, summary: string, mediaTypes: readonly string[], schema: JsonObject, description?: string): JsonObject {
    return this.#operation(verb, summary, {
      ...(description !== undefined && { description }),
      parameters: [this.#precondition, parameter('prefer.return')],
      requestBody: { required: true, content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }])) },
      responses: {
        200: this.#single('The record as it is now.'),
        204: { description: 'Changed; `return=minimal` was asked for.', headers: { ETag: header('etag') } },
        ...problemResponses([400, 401, 403, 404, 409, 413, 415, 422, ...this.#lost, 500, 503]),
      },
    });
  }

  #single(description: string): JsonObject {
    return {
      description,
      headers: { ETag: header('etag') },
      content: { [JSON_TYPE]: { schema: this.#schemas.returned() } },
    };
  }

  #operation(verb: string, summary: string, rest: JsonObject): JsonObject {
    return { operationId: `${verb}${this.identifier}`, tags: [this.entity.name], summary, ...rest };
  }
}

function parameter(name: string): JsonObject {
  return { $ref: `#/components/parameters/${name}` };
}

function header(name: string): JsonObject {
  return { $ref: `#/components/headers/${name}` };
}

function ifMatch(required: boolean): JsonObject {
  return {
    name: 'If-Match',
    in: 'header',
    required,
    schema: { type: 'string', examples: ['"3"'] },
    description: 'The ETag that was read. The answer is 412 when the record has changed since.',
  };
}

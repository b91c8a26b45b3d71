/** The paths of one entity's exports and imports in an OpenAPI document, for somebody with these rights. */
import type { Entity } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import { problemResponses } from './problem-responses.js';

export interface TransferRights {
  readonly export: boolean;
  readonly import: boolean;
}

const TYPES = ['application/x-ndjson', 'text/csv'];

export const TRANSFER_SCHEMAS: JsonObject = {
  import: {
    type: 'object',
    title: 'Import',
    description: 'How far an import is. `errors` lists the first records that were passed over; `failed` counts all.',
    required: ['entity', 'format', 'onError', 'state', 'lines', 'bytes', 'stored', 'failed', 'errors'],
    properties: {
      id: { type: 'string', format: 'uuid', description: 'None of a dry run.' },
      entity: { type: 'string' },
      format: { enum: ['ndjson', 'csv'] },
      onError: { enum: ['abort', 'skip'] },
      state: { enum: ['running', 'done', 'aborted', 'interrupted'] },
      lines: { type: 'integer' },
      bytes: { type: 'integer' },
      stored: { type: 'integer' },
      failed: { type: 'integer' },
      errors: {
        type: 'array',
        items: {
          allOf: [{ $ref: '#/components/schemas/problem.fault' }],
          required: ['line'],
          properties: { line: { type: 'integer', description: 'From 1; of the record, its first.' } },
        },
      },
      dryRun: { const: true },
      remembered: {
        type: 'integer',
        description:
          'Of a dry run: the records with whose keys those of later ones were compared; all of them, up to some millions.',
      },
    },
  },
};

/** Paths below the tenant's own. */
export function transferPaths(entity: Entity, identifier: string, rights: TransferRights): JsonObject {
  const name = encodeURIComponent(entity.name);
  return {
    ...(rights.export && { [`/exports/${name}`]: { get: exportOperation(entity, identifier) } }),
    ...(rights.import && { [`/imports/${name}`]: { post: importOperation(entity, identifier) } }),
  };
}

function exportOperation(entity: Entity, identifier: string): JsonObject {
  return {
    operationId: `export${identifier}`,
    tags: [entity.name],
    summary: 'Export all records as a stream',
    description:
      'In the order of ids, each record as it was when it was read. Takes the filters of lists, and `select` without embeds. ' +
      'An answer that is not whole breaks the connection off.',
    parameters: [query('select', 'Members, as in lists.'), query('format', '`ndjson` or `csv`; otherwise Accept decides.')],
    responses: {
      200: { description: 'The records.', content: streamed() },
      ...problemResponses([400, 401, 403, 404, 406, 429, 500, 503]),
    },
  };
}

function importOperation(entity: Entity, identifier: string): JsonObject {
  return {
    operationId: `import${identifier}`,
    tags: [entity.name],
    summary: 'Import records from a stream',
    description:
      'Stored batch by batch as they arrive: what is stored stays stored when the import ends early, and `resume` goes on behind it. ' +
      'The system members of exported records are set anew, but for the id.',
    parameters: [
      query('id', 'A uuid for the import, to look at it and to go on with it; otherwise one is given.'),
      query('resume', 'The id of an import to go on with: the same body again, without other parameters.'),
      query('onError', '`abort` (default): ends at the first record refused. `skip`: goes on without it.'),
      query('on_conflict', 'Members of a unique key: records with the same are changed, not refused.'),
      query('ignore', 'Members that are left out of every record.'),
      query('dryRun', '`true`: every record is checked, its keys and relations included, and none is stored.'),
    ],
    requestBody: { required: true, content: streamed() },
    responses: {
      200: {
        description: 'The end of the body was reached.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/import' } } },
      },
      ...problemResponses([400, 401, 403, 404, 409, 415, 422, 429, 500, 503]),
    },
  };
}

function query(name: string, description: string): JsonObject {
  return { name, in: 'query', schema: { type: 'string' }, description };
}

function streamed(): JsonObject {
  return Object.fromEntries(TYPES.map((type) => [type, { schema: { type: 'string' } }]));
}

/** The parameters and headers that the operations of records share. */
import type { JsonObject } from '../platform/json-value.js';

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
    schema: { type: 'string', examples: ['return=minimal', 'tx=rollback'] },
    description: '`return=minimal`: no body in the answer. `tx=rollback`: everything is done, answered and undone.',
  },
  'prefer.rehearsal': {
    name: 'Prefer',
    in: 'header',
    schema: { type: 'string', examples: ['tx=rollback'] },
    description: '`tx=rollback`: everything is done, answered and undone.',
  },
  'prefer.insert': {
    name: 'Prefer',
    in: 'header',
    schema: { type: 'string', examples: ['return=minimal', 'resolution=merge-duplicates', 'tx=rollback'] },
    description:
      '`resolution=merge-duplicates` changes records that are there by the key of `on_conflict`, `resolution=ignore-duplicates` ' +
      'leaves them. `return=minimal`: no body in the answer. `tx=rollback`: everything is done, answered and undone.',
  },
  'prefer.found': {
    name: 'Prefer',
    in: 'header',
    schema: { type: 'string', examples: ['handling=strict, max-affected=10', 'return=representation', 'tx=rollback'] },
    description:
      '`handling=strict, max-affected=N`: nothing is done when more than N records are found. `return=minimal` or ' +
      '`return=representation`. `tx=rollback`: everything is done, answered and undone.',
  },
  'idempotency-key': {
    name: 'Idempotency-Key',
    in: 'header',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    description: 'Sent again with it, the request is not done again: the first answer is repeated, for 24 hours.',
  },
  on_conflict: {
    name: 'on_conflict',
    in: 'query',
    schema: { type: 'string', examples: ['id', 'sku,site'] },
    description: 'With `Prefer: resolution=…`: the members of a unique key by which records are the same. Default: `id`.',
  },
  columns: {
    name: 'columns',
    in: 'query',
    schema: { type: 'string' },
    description: 'The members that count of each body, separated by commas; others are ignored.',
  },
  'as-of': {
    name: 'asOf',
    in: 'query',
    schema: { type: 'string', format: 'date-time', examples: ['2026-05-31T18:30:00Z'] },
    description: 'Reads what was there at this instant. What is embedded has to keep its history too.',
  },
  'if-none-match': {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string', examples: ['"3"'] },
    description: 'The ETag that was read. The answer is 304 while what was read has not changed.',
  },
  'if-match': ifMatch(false),
  'if-match.required': ifMatch(true),
};

export const RECORD_HEADERS: JsonObject = {
  etag: { schema: { type: 'string', examples: ['"3"'] }, description: 'The revision of the record, for If-Match.' },
  'idempotency-replayed': {
    schema: { const: 'true' },
    description: 'The answer repeats that of the first request with its key.',
  },
  location: { schema: { type: 'string', format: 'uri-reference' }, description: 'The path of the new record.' },
  'etag.list': {
    schema: { type: 'string', examples: ['W/"t9lEDPBFvEI6BVHBJ0lWyA"'] },
    description: 'The answer as it is, for If-None-Match.',
  },
  'memento-datetime': {
    schema: { type: 'string', examples: ['Sun, 31 May 2026 18:30:00 GMT'] },
    description: 'RFC 7089: the answer is of this instant. Sent with `asOf`.',
  },
  link: {
    schema: { type: 'string', examples: ['<?limit=20&after=Vy1sb25n>; rel="next", <?limit=20>; rel="first"'] },
    description: 'RFC 8288: the page behind this one, if there is one, and the first.',
  },
  'content-range': {
    schema: { type: 'string', examples: ['0-19/*', '0-19/347', '*/0'] },
    description:
      'First and last record of this answer, and how many there are in all when `count=exact` was asked for. Behind a cursor only ' +
      'the latter is known.',
  },
};

/** Of answers from which something is kept back. */
export const KEPT_BACK_HEADERS: JsonObject = {
  'x-redacted': {
    schema: { type: 'string', examples: ['salary,customer.email'] },
    description: 'Members that are kept back from the caller, left out or redacted; names are percent-encoded.',
  },
};

export function parameter(name: string): JsonObject {
  return { $ref: `#/components/parameters/${name}` };
}

export function header(name: string): JsonObject {
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

/** Requests that a permitted caller gets past the guard with, where the path alone does not say what to send. */

export const NOTE = { type: 'object', properties: { title: { type: 'string', unique: true } }, additionalProperties: false };

interface Fitting {
  readonly query?: string;
  readonly body?: object;
  /** What a permitted caller is answered, when it is not success as usual: a refusal that comes after that of the guard. */
  readonly answer?: string;
}

const ENTITY = '/api/v1/tenants/:tenantId/entities/:entity';
const ROLLOUT = '/api/v1/rollouts/:rolloutId';
const RECORDS = '/api/v1/tenants/:tenantId/records/:entity';
const DELETED = '/api/v1/tenants/:tenantId/deleted/:entity';
const REST = '/rest/v1/:entity';
const NO_CHANGE = { answer: '404 entity/change-not-found' };
const IMPORTS = '/api/v1/tenants/:tenantId/imports';
const NO_IMPORT = { answer: '404 import/not-found' };
const NOT_KEPT = { answer: '409 past/not-kept' };
const API_KEYS = '/api/v1/tenants/:tenantId/api-keys';
const NO_KEY = { answer: '404 key/not-found' };
const ROLE = '/api/v1/tenants/:tenantId/roles/:role';
const NO_ROLE = { answer: '404 role/not-found' };
const WEBHOOK = '/api/v1/tenants/:tenantId/webhooks/:webhookId';
const NO_WEBHOOK = { answer: '404 webhook/not-found' };
const GRANT = '/api/v1/grants/:grantId';
const NO_GRANT = { answer: '404 grant/not-found' };
/** Nobody's. */
const NOBODY = '0190f3c0-7a1e-7c3b-8f00-0123456789ab';
const REASON = 'to see who may do this';
const PUBLISHING = '/api/v1/publishing/:sink/tenants/:tenantId';
const NOT_PUBLISHED = { answer: '404 publishing/not-found' };
const KEYS = '/api/v1/tenants/:tenantId/keys';
const NO_DATA_KEYS = { answer: '409 key/none' };
const NO_ROLLOUT = { answer: '404 rollout/not-found' };
const NO_PACK = { answer: '404 pack/not-found' };
/** What the definition of `note`, which is the same all along, makes of these. */
export const FITTING: Readonly<Record<string, Fitting>> = {
  [`POST ${ENTITY}/plan`]: { body: NOTE, answer: '200' },
  [`POST ${ENTITY}/apply`]: { body: { document: NOTE, hash: `sha256:${'0'.repeat(64)}` }, answer: '200' },
  [`DELETE ${ENTITY}`]: { answer: '409 entity/not-allowed' },
  [`GET ${ENTITY}/diff`]: { query: '?from=1&to=1' },
  [`POST ${ENTITY}/rollback`]: { body: { version: 9 }, answer: '404 entity/version-not-found' },
  [`GET ${ENTITY}/changes/:changeId`]: NO_CHANGE,
  [`POST ${ENTITY}/changes/:changeId/abort`]: NO_CHANGE,
  [`POST ${ENTITY}/retained/:property/purge`]: { answer: '404 entity/nothing-retained' },
  [`POST ${ENTITY}/restore`]: { body: { property: 'gone' }, answer: '404 entity/nothing-retained' },
  [`PUT ${RECORDS}`]: { query: '?title=eq.a', body: { title: 'b' }, answer: '422 record/invalid' },
  [`PATCH ${RECORDS}`]: { query: '?title=eq.nobody' },
  [`DELETE ${RECORDS}`]: { query: '?title=eq.nobody' },
  [`PUT ${REST}`]: { query: '?title=eq.a', body: { title: 'b' }, answer: '422 23514' },
  [`PATCH ${REST}`]: { query: '?title=eq.nobody', answer: '204' },
  [`DELETE ${REST}`]: { query: '?title=eq.nobody' },
  [`GET ${RECORDS}/:id/history`]: NOT_KEPT,
  [`DELETE ${RECORDS}/:id/history`]: NOT_KEPT,
  [`GET ${DELETED}`]: NOT_KEPT,
  [`GET ${DELETED}/:id`]: NOT_KEPT,
  [`POST ${DELETED}/:id/restore`]: NOT_KEPT,
  [`DELETE ${DELETED}/:id`]: NOT_KEPT,
  // What is sent is JSON, which an import does not take.
  [`POST ${IMPORTS}/:entity`]: { answer: '415 request/unsupported-media-type' },
  [`GET ${IMPORTS}/:importId`]: NO_IMPORT,
  [`GET ${IMPORTS}/:importId/events`]: NO_IMPORT,
  [`POST ${API_KEYS}`]: { body: { name: 'probe', roles: ['viewer'] } },
  [`GET ${API_KEYS}/:keyId`]: NO_KEY,
  [`POST ${API_KEYS}/:keyId/rotate`]: { body: {}, ...NO_KEY },
  [`DELETE ${API_KEYS}/:keyId`]: NO_KEY,
  [`GET ${ROLE}`]: NO_ROLE,
  // No role can be called like the built-in one that the path names.
  [`PUT ${ROLE}`]: { body: {}, answer: '422 request/invalid' },
  [`DELETE ${ROLE}`]: NO_ROLE,
  'POST /api/v1/tenants/:tenantId/audit/erasures': {
    ...{ body: { entity: 'note', recordId: NOBODY, reason: REASON, dryRun: true }, answer: '200' },
  },
  [`POST ${KEYS}/rotate`]: { body: { purpose: 'encrypt' }, ...NO_DATA_KEYS },
  [`PUT ${KEYS}/provider`]: { body: { provider: 'local' }, ...NO_DATA_KEYS },
  [`GET ${KEYS}/jobs/:jobId`]: { answer: '404 key/job-not-found' },
  [`POST ${KEYS}/subjects/shred`]: { body: { subject: 'nobody', dryRun: true }, answer: '404 key/no-subject' },
  [`POST ${KEYS}/shred`]: { body: { dryRun: true }, ...NO_DATA_KEYS },
  'POST /api/v1/tenants/:tenantId/webhooks': { body: { url: 'https://example.com/hook', enabled: false } },
  [`GET ${WEBHOOK}`]: NO_WEBHOOK,
  [`PATCH ${WEBHOOK}`]: { body: { enabled: false }, ...NO_WEBHOOK },
  [`POST ${WEBHOOK}/rotate`]: { body: {}, ...NO_WEBHOOK },
  [`DELETE ${WEBHOOK}`]: NO_WEBHOOK,
  [`POST ${WEBHOOK}/test`]: { body: {}, ...NO_WEBHOOK },
  [`GET ${WEBHOOK}/deliveries`]: NO_WEBHOOK,
  [`POST ${WEBHOOK}/deliveries/:deliveryId/retry`]: { body: {}, ...NO_WEBHOOK },
  [`POST ${WEBHOOK}/replay`]: { body: { from: '2026-01-01T00:00:00Z' }, ...NO_WEBHOOK },
  'POST /api/v1/grants': { body: { tenants: [NOBODY], reason: REASON }, answer: '422 request/invalid' },
  'POST /api/v1/admin/query': { body: { tenants: 'all', entity: 'note' }, answer: '422 request/invalid' },
  [`GET ${GRANT}`]: NO_GRANT,
  [`POST ${GRANT}/approve`]: { body: {}, ...NO_GRANT },
  [`DELETE ${GRANT}`]: NO_GRANT,
  'GET /api/v1/packs/:pack/:version': NO_PACK,
  'POST /api/v1/tenants/:tenantId/packs': { body: { pack: 'none' }, ...NO_PACK },
  'POST /api/v1/rollouts': { body: { pack: 'none' }, ...NO_PACK },
  [`POST ${PUBLISHING}/retry`]: { body: { reason: 'probe' }, ...NOT_PUBLISHED },
  [`POST ${PUBLISHING}/skip`]: { body: { sequence: '1', reason: 'probe' }, ...NOT_PUBLISHED },
  [`GET ${ROLLOUT}`]: NO_ROLLOUT,
  [`GET ${ROLLOUT}/tenants`]: NO_ROLLOUT,
  ...Object.fromEntries(['pause', 'resume', 'retry', 'cancel'].map((verb) => [`POST ${ROLLOUT}/${verb}`, NO_ROLLOUT])),
};

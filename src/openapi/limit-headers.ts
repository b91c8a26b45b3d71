/** What answers say of how much a tenant may still send: declared once, referred to by each answer. */
import { isJsonObject, type JsonObject } from '../platform/json-value.js';
import { mappedMembers } from './mapped-members.js';

/** `components/headers`. */
export const LIMIT_HEADERS: JsonObject = {
  ratelimit: {
    schema: { type: 'string', examples: ['"default";r=4999;t=1, "day";r=99000;t=51000'] },
    description:
      'draft-ietf-httpapi-ratelimit-headers: of each limit, how many requests are left (`r`) and in how many seconds it is whole ' +
      'again (`t`). Not sent where there is no limit.',
  },
  'ratelimit-policy': {
    schema: { type: 'string', examples: ['"default";q=5000;w=5, "day";q=100000;w=86400'] },
    description: 'draft-ietf-httpapi-ratelimit-headers: each limit of the tenant, as requests (`q`) in so many seconds (`w`).',
  },
  'retry-after': {
    schema: { type: 'string', examples: ['1'] },
    description: 'RFC 9110 §10.2.3: in how many seconds another request may succeed, where that is known.',
  },
};

/** The `headers` of every answer to somebody who is known. */
export const LIMITS_TOLD: JsonObject = {
  RateLimit: { $ref: '#/components/headers/ratelimit' },
  'RateLimit-Policy': { $ref: '#/components/headers/ratelimit-policy' },
};

export const RETRY_AFTER: JsonObject = { 'Retry-After': { $ref: '#/components/headers/retry-after' } };

/** The same paths, whose answers tell of the limits; those that are components themselves tell of them there. */
export function withLimits(paths: JsonObject): JsonObject {
  return mappedMembers(paths, (path) => mappedMembers(path, (operation) => withLimitsTold(operation)));
}

function withLimitsTold(operation: JsonObject): JsonObject {
  const { responses } = operation;
  if (!isJsonObject(responses)) return operation;
  const told = mappedMembers(responses, (response) => {
    if (response.$ref !== undefined) return response;
    const { headers } = response;
    return { ...response, headers: { ...(isJsonObject(headers) && headers), ...LIMITS_TOLD } };
  });
  return { ...operation, responses: told };
}

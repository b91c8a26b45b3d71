import fc from 'fast-check';

/** Requests put together from what means something to SQL, to HTTP, to JavaScript, to the query grammar, or to nobody. */

export interface HostileRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | null;
}

const NASTY = [
  ...'\' " ` ; -- /* \\ $$ $1 % _ * ( ) , . : :: -> ->> ! | & = .. ../ / // + # ? [ ] { } < > é 😀'.split(' '),
  ...'__proto__ constructor toString tenant_id _extra item Item name count price at ref data id revision'.split(' '),
  ...'eq. eq in.( in.(1,2) is.null is. not. not.eq.1 like.* gt.2024-01-01 or and (name.eq.a, select order limit offset'.split(
    ' ',
  ),
  ...'null undefined NaN -1 1e400 99999999999999999999 %00 %2e%2e%2f %zz %c0%af %ff %ED%A0%80 %F0%9F%98%80 {{7*7}}'.split(' '),
  ...["' or '1'='1", "'; drop table item; --", ') or (1=1', '1; select 1', ' ', '\t', `$${'{7*7}'}`],
  ...['x'.repeat(300), 'a,'.repeat(200), '('.repeat(50), '\u202e', '\u0000', '\u0001', '\u007f', '\u00ff'],
];

const phrase = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...NASTY) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join(''));

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

function percentEncoded(text: string): string {
  return latin1(text).replace(/[^a-zA-Z0-9.]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Mostly as a client's library would send it, sometimes raw but for what would end the request line. */
const inTarget = fc
  .tuple(phrase, fc.nat(5))
  .map(([text, raw]) => (raw === 0 ? latin1(text).replace(/[\r\n ]/g, '+') : percentEncoded(text)));

const METHODS = 'GET GET GET POST POST PUT PATCH DELETE HEAD OPTIONS TRACE PROPFIND'.split(' ');
const PATHS = 'records/item records/item/ID records/X records/item/X entities/X entities audit X openapi.json /../X'.split(' ');
const PARAMETERS = 'select order limit offset or and not.or name count price at ref data after entity columns on_conflict'.split(
  ' ',
);
const HEADERS = [
  ...'Authorization Content-Type Content-Encoding If-Match If-None-Match Prefer Range Accept X-Request-Id X-Access-Grant'.split(
    ' ',
  ),
  ...'X-API-Key Accept-Encoding Origin Cookie X-HTTP-Method-Override Forwarded X-Forwarded-For Accept-Profile Expect'.split(' '),
];
const HEADER_VALUES = [
  ...['Bearer', 'Bearer ', 'Basic YTpi', '"1"', '*', 'W/"1"', 'return=minimal', 'count=exact', '0-0', 'items=0-1', 'gzip'],
  ...['identity', 'application/json; charset=utf-16', 'application/merge-patch+json', '100-continue', 'later'],
  ...['application/json-patch+json', 'resolution=merge-duplicates', 'resolution=ignore-duplicates', 'tx=rollback'],
];
const MEMBERS = 'name count price at ref data id tenant_id revision type properties $ref required x'.split(' ');

const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...PARAMETERS), inTarget), inTarget), { maxLength: 3 })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.join('=')).join('&')}`));

const headers = fc.array(
  fc.tuple(
    fc.constantFrom(...HEADERS),
    fc.oneof(
      phrase.map((text) => latin1(text).replace(/[\r\n\0-\x08\x0e-\x1f\x7f]/g, ' ')),
      fc.constantFrom(...HEADER_VALUES),
    ),
  ),
  { maxLength: 2 },
);

const json = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc
    .dictionary(fc.constantFrom(...MEMBERS), fc.oneof(phrase, fc.jsonValue()), { maxKeys: 5 })
    .map((value) => JSON.stringify(value)),
  phrase.map((text) =>
    JSON.stringify({ type: 'object', properties: { [text]: { type: 'string', default: text, enum: [text], pattern: text } } }),
  ),
);

const body = fc.oneof(
  { weight: 4, arbitrary: json.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.tuple(json, fc.nat()).map(([text, at]) => Buffer.from(text).subarray(0, at % (text.length + 1))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
);

/** Most of them aim at the routes of a tenant, and at a record that is there. */
export function hostileRequest(tenantId: string, recordId: string): fc.Arbitrary<HostileRequest> {
  const path = fc.tuple(fc.constantFrom(...PATHS), inTarget, fc.nat(9)).map(([template, text, where]) => {
    const rest = template.replace('ID', recordId).replace('X', text);
    if (where === 0) return `/${text}`;
    return where === 1 ? `/api/v1/tenants/${text}/${rest}` : `/api/v1/tenants/${tenantId}/${rest}`;
  });
  return fc.record({
    method: fc.constantFrom(...METHODS),
    target: fc.tuple(path, query).map((parts) => parts.join('')),
    headers,
    body: fc.option(body, { freq: 2 }),
  });
}

/** A place for audit events. Without one bare comma: that is what parts them. */
const SINK = '(stdout|https?://[^\\s,]+|nats://[^\\s,/]+/[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*)';

/** What can be set, its bounds, defaults and meaning. Read by `settings.ts`; the README's table is made of the same texts. */
export const SETTINGS_SCHEMA = {
  type: 'object',
  properties: {
    NODE_ENV: {
      type: 'string',
      default: 'development',
      description: '`production` makes the checks of a real deployment apply; `test` allows a database without fsync.',
    },
    PORT: { type: 'integer', minimum: 0, maximum: 65535, default: 3000, description: 'Port to listen on; 0 takes a free one.' },
    HOST: {
      type: 'string',
      default: '',
      description: 'Address to listen on. Default: 127.0.0.1 with the embedded database, else 0.0.0.0.',
    },
    PUBLIC_URL: {
      type: 'string',
      pattern: '^https?://',
      description: 'How clients reach the service, for the `servers` of OpenAPI documents. Default: relative.',
    },
    DATA_DIR: {
      type: 'string',
      minLength: 1,
      default: './.data',
      description: 'Where the embedded database and the development Auth Service keep their files.',
    },
    PACKS_DIR: {
      type: 'string',
      minLength: 1,
      description: 'A folder with packs of your own, laid out as schemas/packs, beside those that ship with the product.',
    },
    DATABASE_URL: {
      type: 'string',
      pattern: '^postgres(ql)?://',
      description: 'Postgres 15-18 for tenant traffic, as login `bss_app_00`. Absent: an embedded Postgres is started.',
    },
    DATABASE_CONTROL_URL: {
      type: 'string',
      pattern: '^postgres(ql)?://',
      description: 'The same database as login `bss_migrator`: migrations, provisioning, definitions.',
    },
    DATABASE_ADMIN_URL: {
      type: 'string',
      pattern: '^postgres(ql)?://',
      description: 'Only for `bss migrate`: a login that may create roles. Never give it to the running service.',
    },
    DATABASE_POOL_SIZE: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 10,
      description: 'Connections for tenant traffic per instance.',
    },
    TENANT_POOL_SHARE: {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 80,
      description: 'Percent of these connections that one tenant may hold; the rest is there for the others.',
    },
    TENANT_QUEUE: {
      type: 'integer',
      minimum: 1,
      maximum: 100000,
      default: 1000,
      description: 'Requests of one tenant that may wait for a connection, five seconds each; what is beyond is answered 429.',
    },
    STATEMENT_TIMEOUT_MS: {
      type: 'integer',
      minimum: 100,
      maximum: 600000,
      default: 15000,
      description: 'Longest a statement may run, in milliseconds.',
    },
    CONTEXT_KEYS: {
      type: 'string',
      pattern: '^[A-Za-z0-9._-]{1,64}:[A-Za-z0-9+/_-]{43}=?(,[A-Za-z0-9._-]{1,64}:[A-Za-z0-9+/_-]{43}=?)*$',
      description:
        'Keys that sign tenant contexts, `kid:base64 of 32 bytes`, comma-separated; the first signs. Make one with `openssl rand -base64 32`.',
    },
    AUTH_ISSUER: {
      type: 'string',
      minLength: 1,
      description:
        'The `iss` of accepted tokens. Its metadata (OpenID Connect Discovery, RFC 8414) tells what other settings leave out.',
    },
    AUTH_AUDIENCE: { type: 'string', minLength: 1, default: 'business-store', description: 'The `aud` of accepted tokens.' },
    AUTH_JWKS_URL: {
      type: 'string',
      pattern: '^https?://',
      description: "The issuer's JSON Web Key Set. Default: as its metadata says.",
    },
    AUTH_INTROSPECTION_URL: {
      type: 'string',
      pattern: '^https?://',
      description: 'Where the issuer is asked about opaque tokens (RFC 7662). Default: as its metadata says.',
    },
    AUTH_CLIENT_ID: {
      type: 'string',
      pattern: '^[ -~]{1,255}$',
      description: 'Who the service is to the issuer. Absent: opaque tokens are not accepted.',
    },
    AUTH_CLIENT_SECRET: { type: 'string', pattern: '^[ -~]{1,1024}$', description: 'The secret of this client.' },
    API_KEY_ENVIRONMENT: {
      type: 'string',
      pattern: '^[a-z0-9]{1,16}$',
      default: 'dev',
      description:
        'What API keys of this installation are marked with, such as `live`: keys of another are refused by their text alone.',
    },
    API_KEY_PEPPER: {
      type: 'string',
      pattern: '^[A-Za-z0-9+/_-]{43}=?$',
      description:
        'Base64 of 32 bytes that API keys are hashed with; with another, none of them is valid any more. Without one there are no API keys, but the embedded database brings its own.',
    },
    WEBHOOK_KEY: {
      type: 'string',
      pattern: '^[A-Za-z0-9+/_-]{43}=?(,[A-Za-z0-9+/_-]{43}=?)*$',
      description:
        'Base64 of 32 bytes that the secrets of webhooks are encrypted with; several, comma-separated, when it is changed: the first encrypts, all decrypt. Without one there are no webhooks, but the embedded database brings its own.',
    },
    WEBHOOK_ALLOWED_NETWORKS: {
      type: 'string',
      pattern: '^[0-9A-Fa-f.:]+/[0-9]{1,3}(, *[0-9A-Fa-f.:]+/[0-9]{1,3})*$',
      description:
        'Networks that webhooks may reach although they are not public, over http too and at any port, such as `10.1.0.0/16`. Default: none.',
    },
    KEY_PROVIDER: {
      type: 'string',
      enum: ['local', 'auth-service', 'vault', 'aws-kms', 'pkcs11'],
      description:
        "Who wraps the keys that tenants' fields are encrypted with. Without one nothing can be encrypted; in embedded mode the development Auth Service does it. Other providers whose settings are there serve the keys that are with them.",
    },
    KEY_CACHE_SECONDS: {
      type: 'integer',
      minimum: 2,
      maximum: 3600,
      default: 300,
      description:
        'How long an open key is used after the provider was last asked for it: as long an outage is not noticed, and as long at most a destroyed key still opens.',
    },
    KEY_SERVICE_URL: {
      type: 'string',
      pattern: '^https?://',
      description: 'The key interface of the Auth Service, asked as AUTH_CLIENT_ID.',
    },
    VAULT_ADDR: { type: 'string', pattern: '^https?://', description: 'Vault or OpenBao, with the transit engine.' },
    VAULT_TOKEN: { type: 'string', minLength: 1, description: 'A token that may make and use its keys.' },
    VAULT_MOUNT: { type: 'string', minLength: 1, description: 'Where the engine is mounted. Default: `transit`.' },
    VAULT_NAMESPACE: { type: 'string', minLength: 1, description: 'Its namespace, if it is in one.' },
    AWS_KMS_KEY_ID: {
      type: 'string',
      minLength: 1,
      description:
        'Id or ARN of the AWS KMS key for tenants that bring none of their own. Credentials are those of the environment.',
    },
    AWS_KMS_REGION: { type: 'string', minLength: 1, description: 'Its region. Default: as the key or the environment says.' },
    AWS_KMS_ENDPOINT: { type: 'string', pattern: '^https?://', description: 'Another endpoint than that of the region.' },
    PKCS11_LIBRARY: { type: 'string', minLength: 1, description: 'The PKCS #11 module of a hardware security module.' },
    PKCS11_TOKEN: { type: 'string', minLength: 1, description: 'The label of the token in it.' },
    PKCS11_PIN: { type: 'string', minLength: 1, description: 'The PIN of its user.' },
    KEYRING_FILE: {
      type: 'string',
      minLength: 1,
      description: 'The file of the provider `local`, for development. Default: `keyring.jsonl` in DATA_DIR.',
    },
    KEYRING_IN_PRODUCTION: {
      type: 'string',
      enum: ['refused', 'accepted'],
      default: 'refused',
      description: 'Whether the provider `local`, whose keys lie in a file, may serve where NODE_ENV is `production`.',
    },
    RATE_LIMIT_PER_SECOND: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000,
      default: 1000,
      description: 'Requests per second that one tenant may send to an instance, on average; 0 for no limit.',
    },
    RATE_LIMIT_BURST_SECONDS: {
      type: 'integer',
      minimum: 1,
      maximum: 3600,
      default: 5,
      description: 'How many seconds of its limit a tenant that was quiet may use at once.',
    },
    REQUESTS_PER_DAY: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000000,
      default: 0,
      description: 'Requests that one tenant may send in a day (UTC), to all instances together; 0 for no limit.',
    },
    AUTH_FAILURES_PER_MINUTE: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000,
      default: 300,
      description:
        'Refused tokens per minute and client address; further ones are answered 429, and no opaque token that is not known yet is asked about for that address. Signed tokens, API keys and opaque tokens known for 30 s always pass. 0 for no limit.',
    },
    GRANT_APPROVAL: {
      type: 'string',
      enum: ['none', 'required'],
      default: 'none',
      description:
        'Whether every access grant has to be approved by another system administrator before it is good for anything.',
    },
    TRUSTED_PROXIES: {
      type: 'string',
      pattern: '^[0-9A-Fa-f.:/]+(, *[0-9A-Fa-f.:/]+)*$',
      description: 'Addresses of reverse proxies whose `X-Forwarded-For` tells the client address, such as `10.0.0.0/8,::1`.',
    },
    AUDIT_SINK: {
      type: 'string',
      pattern: `^(none|${SINK}( *, *${SINK})*)$`,
      default: 'none',
      description:
        'Where sealed audit events are published as CloudEvents: `none`, or a comma-separated list of `stdout`, HTTP URLs and `nats://host:port/subject.prefix` (JetStream). They hold what records held before and after; stdout is also the stream of the logs.',
    },
    AUDIT_SINK_SECRET: {
      type: 'string',
      pattern: '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$',
      description: '`whsec_` and base64 of 24-64 bytes: signs what is published by HTTP, as Standard Webhooks has it.',
    },
    AUDIT_SINK_FROM: {
      type: 'string',
      enum: ['begin', 'now'],
      default: 'begin',
      description:
        'Where a place that was never published to begins: with the first event of each trail, or with what comes next.',
    },
    AUDIT_SIGNING_KEY: {
      type: 'string',
      minLength: 40,
      description:
        'The Ed25519 key that signs checkpoints of the audit trail: PKCS #8 as PEM (`openssl genpkey -algorithm ed25519`), or base64 of 32 bytes. Without one there are no checkpoints, but the embedded database brings its own.',
    },
    AUDIT_FORMER_KEYS: {
      type: 'string',
      pattern: '^[A-Za-z0-9_-]{43}(, *[A-Za-z0-9_-]{43})*$',
      description: 'Public keys that signed checkpoints before: the `x` of their JWKs, comma-separated.',
    },
    AUDIT_CHECKPOINTS: {
      type: 'string',
      pattern: '^(none|file:.+|https?://[^/@]+(/.*)?|nats://[^/]+/.+)$',
      description:
        'Where checkpoints are sent, out of reach of whoever has the database: `file:/path`, an HTTP URL, `nats://host:port/subject` (JetStream), or `none`. Default: a file in DATA_DIR with the embedded database, else none.',
    },
    AUDIT_CHECKPOINTS_SECRET: {
      type: 'string',
      pattern: '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$',
      description: 'Signs checkpoints that are sent to an HTTP URL, by the Standard Webhooks scheme.',
    },
    AUDIT_CHECKPOINT_SECONDS: {
      type: 'integer',
      minimum: 1,
      maximum: 86400,
      default: 60,
      description: 'A checkpoint is taken so many seconds after the last one, if anything was sealed since.',
    },
    AUDIT_CHECKPOINT_EVENTS: {
      type: 'integer',
      minimum: 1,
      maximum: 1000000000,
      default: 1000,
      description: 'And after so many events, once a second at most.',
    },
    AUDIT_RETENTION_DAYS: {
      type: 'integer',
      minimum: 0,
      maximum: 36500,
      default: 0,
      description:
        'How long the audit trail is kept, at least; it leaves by months, once it is published and checkpointed. 0: for ever.',
    },
    LOG_LEVEL: {
      type: 'string',
      enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      default: 'info',
      description: 'Least severe level that is logged.',
    },
    BODY_LIMIT_BYTES: {
      type: 'integer',
      minimum: 1024,
      maximum: 268435456,
      default: 16777216,
      description: 'Largest request body.',
    },
    REQUEST_TIMEOUT_MS: {
      type: 'integer',
      minimum: 1000,
      maximum: 3600000,
      default: 60000,
      description: 'How long a request may take to arrive whole, in milliseconds; its headers, ten seconds at most.',
    },
    ANSWER_TIMEOUT_MS: {
      type: 'integer',
      minimum: 1000,
      maximum: 3600000,
      default: 30000,
      description: 'How long a client may take nothing of its answer before the connection is closed, in milliseconds.',
    },
    MAX_ROWS: {
      type: 'integer',
      minimum: 1,
      maximum: 100000,
      default: 1000,
      description: 'Most records one list answers with, and the default of `limit`.',
    },
    MAX_INSERT_ROWS: {
      type: 'integer',
      minimum: 1,
      maximum: 100000,
      default: 10000,
      description: 'Most records one insert takes.',
    },
    MAX_CHANGED_ROWS: {
      type: 'integer',
      minimum: 1,
      maximum: 10000,
      default: 1000,
      description: 'Most records one filter changes or deletes.',
    },
    TENANT_ROWS: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000000,
      default: 0,
      description:
        'Records that one tenant may store, without those kept of the past; 0 for no limit. They are counted every few seconds: what is sent meanwhile still passes.',
    },
    IDEMPOTENCY_HOURS: {
      type: 'integer',
      minimum: 1,
      maximum: 720,
      default: 24,
      description: 'How long the answer to a write with an `Idempotency-Key` is kept for repeats.',
    },
    DRAIN_MS: {
      type: 'integer',
      minimum: 0,
      maximum: 60000,
      default: 500,
      description:
        'After SIGTERM: how long new requests are still answered, each with `Connection: close`, before the listener closes.',
    },
  },
  // One without the other is a deployment that would fail later and less clearly.
  dependentRequired: {
    DATABASE_URL: ['DATABASE_CONTROL_URL', 'CONTEXT_KEYS', 'AUTH_ISSUER'],
    AUTH_JWKS_URL: ['AUTH_ISSUER'],
    AUTH_INTROSPECTION_URL: ['AUTH_CLIENT_ID'],
    AUTH_CLIENT_ID: ['AUTH_ISSUER', 'AUTH_CLIENT_SECRET'],
    AUTH_CLIENT_SECRET: ['AUTH_CLIENT_ID'],
  },
} as const;

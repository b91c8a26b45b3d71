import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { SETTINGS_SCHEMA } from './settings-schema.js';

/**
 * Every setting of the service in one schema: read once at start, every fault reported together, documented from the same
 * text in the README. Nothing else reads the environment.
 */

/** Injection token of the settings. */
export const SETTINGS = Symbol('settings');

export interface Settings {
  readonly NODE_ENV: string;
  readonly PORT: number;
  readonly HOST: string;
  readonly PUBLIC_URL?: string;
  readonly DATA_DIR: string;
  readonly PACKS_DIR?: string;
  readonly DATABASE_URL?: string;
  readonly DATABASE_CONTROL_URL?: string;
  readonly DATABASE_ADMIN_URL?: string;
  readonly DATABASE_POOL_SIZE: number;
  readonly TENANT_POOL_SHARE: number;
  readonly TENANT_QUEUE: number;
  readonly STATEMENT_TIMEOUT_MS: number;
  readonly CONTEXT_KEYS?: string;
  readonly AUTH_ISSUER?: string;
  readonly AUTH_AUDIENCE: string;
  readonly AUTH_JWKS_URL?: string;
  readonly AUTH_INTROSPECTION_URL?: string;
  readonly AUTH_CLIENT_ID?: string;
  readonly AUTH_CLIENT_SECRET?: string;
  readonly API_KEY_ENVIRONMENT: string;
  readonly API_KEY_PEPPER?: string;
  readonly WEBHOOK_KEY?: string;
  readonly WEBHOOK_ALLOWED_NETWORKS?: string;
  readonly KEY_PROVIDER?: 'local' | 'auth-service' | 'vault' | 'aws-kms' | 'pkcs11';
  readonly KEY_CACHE_SECONDS: number;
  readonly KEY_SERVICE_URL?: string;
  readonly VAULT_ADDR?: string;
  readonly VAULT_TOKEN?: string;
  readonly VAULT_MOUNT?: string;
  readonly VAULT_NAMESPACE?: string;
  readonly AWS_KMS_KEY_ID?: string;
  readonly AWS_KMS_REGION?: string;
  readonly AWS_KMS_ENDPOINT?: string;
  readonly PKCS11_LIBRARY?: string;
  readonly PKCS11_TOKEN?: string;
  readonly PKCS11_PIN?: string;
  readonly KEYRING_FILE?: string;
  readonly KEYRING_IN_PRODUCTION: 'refused' | 'accepted';
  readonly RATE_LIMIT_PER_SECOND: number;
  readonly RATE_LIMIT_BURST_SECONDS: number;
  readonly REQUESTS_PER_DAY: number;
  readonly AUTH_FAILURES_PER_MINUTE: number;
  readonly GRANT_APPROVAL: 'none' | 'required';
  readonly TRUSTED_PROXIES?: string;
  readonly AUDIT_SINK: string;
  readonly AUDIT_SINK_SECRET?: string;
  readonly AUDIT_SINK_FROM: 'begin' | 'now';
  readonly AUDIT_SIGNING_KEY?: string;
  readonly AUDIT_FORMER_KEYS?: string;
  readonly AUDIT_CHECKPOINTS?: string;
  readonly AUDIT_CHECKPOINTS_SECRET?: string;
  readonly AUDIT_CHECKPOINT_SECONDS: number;
  readonly AUDIT_CHECKPOINT_EVENTS: number;
  readonly AUDIT_RETENTION_DAYS: number;
  readonly LOG_LEVEL: string;
  readonly BODY_LIMIT_BYTES: number;
  readonly REQUEST_TIMEOUT_MS: number;
  readonly ANSWER_TIMEOUT_MS: number;
  readonly MAX_ROWS: number;
  readonly MAX_INSERT_ROWS: number;
  readonly MAX_CHANGED_ROWS: number;
  readonly TENANT_ROWS: number;
  readonly IDEMPOTENCY_HOURS: number;
  readonly DRAIN_MS: number;
}

/** All faults at once; the values of settings, which may be secrets, are never repeated. */
export class SettingsFault extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `${faults.length} setting${faults.length === 1 ? ' is' : 's are'} wrong:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
    this.name = 'SettingsFault';
  }
}

/** @throws {SettingsFault} naming every wrong or missing setting. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS_SCHEMA.properties)) {
    const value = environment[name]?.trim();
    if (value !== undefined && value !== '') given[name] = value;
  }
  // 2020: the dialect that has dependentRequired; the default class would pass over it in silence.
  const validate = new Ajv2020({ allErrors: true, coerceTypes: true, useDefaults: true, strict: false }).compile(SETTINGS_SCHEMA);
  const valid = validate(given);
  const faults = valid ? [] : (validate.errors ?? []).map(describe);
  if (given.NODE_ENV === 'production' && !given.DATABASE_URL) {
    faults.push('NODE_ENV is production, but DATABASE_URL is missing: the embedded database is for development and tests only');
  }
  faults.push(...undiscoverable(given));
  if (faults.length > 0) throw new SettingsFault(faults);
  return given as unknown as Settings;
}

/** Only an issuer whose name is an address can be asked what is not set. */
function undiscoverable(given: Readonly<Record<string, unknown>>): string[] {
  const issuer = given.AUTH_ISSUER;
  if (typeof issuer !== 'string' || (/^https?:\/\//.test(issuer) && URL.canParse(issuer))) return [];
  const needed = ['AUTH_JWKS_URL', ...('AUTH_CLIENT_ID' in given ? ['AUTH_INTROSPECTION_URL'] : [])];
  return needed
    .filter((name) => !(name in given))
    .map((name) => `${name} is missing: AUTH_ISSUER is no http(s) address that could be asked for it`);
}

interface NamedKey {
  readonly kid: string;
  readonly secret: Buffer;
}

/** `kid:secret` pairs, decoded; the shape was checked by the schema. */
export function parseContextKeys(text: string): readonly [NamedKey, ...NamedKey[]] {
  const [first, ...others] = text.split(',').map((pair) => {
    const [kid = '', secret = ''] = pair.split(':');
    return { kid, secret: Buffer.from(secret, 'base64') };
  });
  if (!first) throw new Error('there is no context key');
  return [first, ...others];
}

/** Rows of the settings table in the README. */
export function describeSettings(): { name: string; default: string; description: string }[] {
  return Object.entries(SETTINGS_SCHEMA.properties).map(([name, rule]) => ({
    name,
    default: 'default' in rule && rule.default !== '' ? String(rule.default) : '',
    description: rule.description,
  }));
}

function describe(error: ErrorObject): string {
  if (error.keyword === 'dependentRequired') {
    const { property, missingProperty } = error.params as { property: string; missingProperty: string };
    return `${missingProperty} is missing: it is needed with ${property}`;
  }
  const name = error.instancePath.slice(1);
  const rule = SETTINGS_SCHEMA.properties[name as keyof typeof SETTINGS_SCHEMA.properties];
  return `${name} ${error.message ?? 'is wrong'}${error.keyword === 'enum' && 'enum' in rule ? `: ${rule.enum.join(', ')}` : ''}. ${rule.description}`;
}

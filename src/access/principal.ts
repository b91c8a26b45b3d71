import type { Claims } from '../model/access/claims.js';
import { isRoleName } from '../model/access/role-name.js';

/** Who is asking. Made from a verified token or API key only; carries no secret. */
export interface Principal {
  /** `sub`, at most 255 characters, no control characters; of an API key `api-key:<id>`. */
  readonly subject: string;
  /** null for a system admin. */
  readonly tenantId: string | null;
  /** Names as they were claimed: built-in ones, and such as the tenant may have roles of. */
  readonly roles: readonly string[];
  /** What row rules may ask for; null: more than a transaction can carry. */
  readonly claims: Claims | null;
  /** Only of an API key. */
  readonly apiKey?: ApiKeyIdentity;
}

export interface ApiKeyIdentity {
  /** A uuid. */
  readonly id: string;
  readonly name: string;
  /** Operations, `operation:Entity` where one entity is meant; null: whatever the roles may. */
  readonly scopes: readonly string[] | null;
  readonly expiresAt: Date | null;
}

/** No token may claim such a subject: what a key has done is told apart from what a person has. */
export const API_KEY_SUBJECT = 'api-key:';

/** The built-in roles of a token. */
export const ROLES = ['viewer', 'editor', 'admin', 'auditor', 'service', 'system_admin'] as const;

export type Role = (typeof ROLES)[number];

/** Those of a tenant. */
export const TENANT_ROLES = ROLES.filter((role) => role !== 'system_admin');

/** Roles of a token that count; what it claims beyond is left out. */
const MAX_ROLES = 32;

/** Names that could be roles, each once, in a fixed order. */
export function roleNames(claimed: readonly string[]): readonly string[] {
  const names = new Set(claimed.filter((name) => isRoleName(name)));
  const builtIn = ROLES.filter((role) => names.has(role));
  const others = [...names].filter((name) => !(ROLES as readonly string[]).includes(name)).sort();
  return Object.freeze([...builtIn, ...others].slice(0, MAX_ROLES));
}

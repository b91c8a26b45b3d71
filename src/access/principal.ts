/** Who is asking. Made from a verified token only; carries no secret. */
export interface Principal {
  /** `sub`, at most 255 characters, no control characters. */
  readonly subject: string;
  /** null for a system admin. */
  readonly tenantId: string | null;
  readonly roles: readonly Role[];
}

/** The built-in roles of a token. */
export const ROLES = ['viewer', 'editor', 'admin', 'auditor', 'service', 'system_admin'] as const;

export type Role = (typeof ROLES)[number];

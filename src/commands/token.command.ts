import { Command, InvalidArgumentError } from 'commander';
import { requestOpaqueToken } from '../access/development-auth-service.js';
import { openDevelopmentIssuer, type TokenRequest } from '../access/development-issuer.js';
import { ROLES } from '../access/principal.js';
import { isRoleName } from '../model/access/role-name.js';
import type { JsonValue } from '../platform/json-value.js';
import { readSettings } from '../platform/settings.js';
import { isUuid } from '../platform/uuid.js';

/** Prints a token of the development Auth Service and nothing else; refuses where another issuer is configured. */

interface TokenOptions {
  readonly tenant?: string;
  readonly roles: readonly string[];
  readonly subject: string;
  readonly expires: number;
  readonly claim: ReadonlyMap<string, JsonValue>;
  readonly opaque: boolean;
}

export function tokenCommand(): Command {
  return new Command('token')
    .description('Print an access token (embedded mode only)')
    .option('--tenant <id>', 'tenant id; required unless the role is system_admin', parseTenant)
    .requiredOption('--roles <roles>', `comma-separated: ${ROLES.join(', ')}, or roles of the tenant's own`, parseRoles)
    .option('--subject <name>', 'who the token speaks for', 'developer')
    .option('--expires <seconds>', 'lifetime', parseSeconds, 3600)
    .option('--claim <name=value>', 'something else the token says, as JSON or text; may be repeated', parseClaim, new Map())
    .option('--opaque', 'one that only the Auth Service can read; needs the running service', false)
    .action(async ({ tenant, roles, subject, expires, claim, opaque }: TokenOptions) => {
      const settings = readSettings(process.env);
      if (settings.DATABASE_URL || settings.AUTH_ISSUER) {
        throw new Error('tokens come from your Auth Service (AUTH_ISSUER): this command serves embedded mode only');
      }
      const claims = Object.fromEntries(claim);
      const request: TokenRequest = { subject, tenantId: tenant, roles, expiresInSeconds: expires, claims };
      const token = opaque
        ? await requestOpaqueToken(settings.DATA_DIR, request)
        : await (await openDevelopmentIssuer(settings.DATA_DIR)).sign(request);
      process.stdout.write(`${token}\n`);
    });
}

function parseTenant(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('must be the id of a tenant, a uuid, as the service prints it at start');
  return text;
}

function parseRoles(text: string): string[] {
  const roles = text.split(',').map((role) => role.trim());
  const wrong = roles.filter((role) => !isRoleName(role));
  if (wrong.length > 0) {
    throw new InvalidArgumentError(
      `no role can be called ${wrong.join(', ')}; every tenant has ${ROLES.slice(0, -1).join(', ')}`,
    );
  }
  return roles;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new InvalidArgumentError('must be a whole number of seconds');
  return seconds;
}

/** `region=north` and `region="north"` are the same text, `level=3` is a number. */
function parseClaim(text: string, before: ReadonlyMap<string, JsonValue>): Map<string, JsonValue> {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('must be a name and a value, such as region=north');
  return new Map(before).set(name, jsonOr(value));
}

function jsonOr(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

import { Command, InvalidArgumentError } from 'commander';
import { openDevelopmentIssuer } from '../access/development-issuer.js';
import { ROLES, type Role } from '../access/principal.js';
import { readSettings } from '../platform/settings.js';
import { isUuid } from '../platform/uuid.js';

/** Prints a token of the development Auth Service and nothing else; refuses where another issuer is configured. */
export function tokenCommand(): Command {
  return new Command('token')
    .description('Print an access token (embedded mode only)')
    .option('--tenant <id>', 'tenant id; required unless the role is system_admin', parseTenant)
    .requiredOption('--roles <roles>', `comma-separated: ${ROLES.join(', ')}`, parseRoles)
    .option('--subject <name>', 'who the token speaks for', 'developer')
    .option('--expires <seconds>', 'lifetime', parseSeconds, 3600)
    .action(async (options: { tenant?: string; roles: Role[]; subject: string; expires: number }) => {
      const settings = readSettings(process.env);
      if (settings.DATABASE_URL || settings.AUTH_ISSUER) {
        throw new Error('tokens come from your Auth Service (AUTH_ISSUER): this command serves embedded mode only');
      }
      const issuer = await openDevelopmentIssuer(settings.DATA_DIR);
      const token = await issuer.sign({
        subject: options.subject,
        tenantId: options.tenant,
        roles: options.roles,
        expiresInSeconds: options.expires,
      });
      process.stdout.write(`${token}\n`);
    });
}

function parseTenant(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('must be the id of a tenant, a uuid, as the service prints it at start');
  return text;
}

function parseRoles(text: string): Role[] {
  const roles = text.split(',').map((role) => role.trim());
  const unknown = roles.filter((role) => !(ROLES as readonly string[]).includes(role));
  if (unknown.length > 0) throw new InvalidArgumentError(`unknown role ${unknown.join(', ')}; known are ${ROLES.join(', ')}`);
  return roles as Role[];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new InvalidArgumentError('must be a whole number of seconds');
  return seconds;
}

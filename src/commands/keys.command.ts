import { Command, InvalidArgumentError } from 'commander';
import { counted } from '../platform/counted.js';
import { commaSeparated } from './comma-separated.js';
import { readPages } from './read-pages.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';
import { textTable } from './text-table.js';

interface ApiKeyItem {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly formerHoldsUntil: string | null;
}

/** API keys of a tenant. A key that is made goes to stdout alone, so that it can be piped to where it belongs; what is said of it, to stderr. */
export function keysCommand(): Command {
  return new Command('keys')
    .description('API keys of a tenant: create, list, rotate, revoke')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand());
}

interface CreateOptions extends ServiceOptions {
  readonly roles: string[];
  readonly scopes?: string[];
  readonly expires?: string;
}

function createCommand(): Command {
  return speaksToService(new Command('create'), 'admin')
    .description('Make a key and print it, this once')
    .argument('<name>', 'what it is for, as people read it')
    .requiredOption(
      '--roles <roles>',
      "comma-separated: viewer, editor, admin, auditor, service, or roles of the tenant's own",
      commaSeparated,
    )
    .option('--scopes <scopes>', 'comma-separated operations, such as records.read,records.create:Order', commaSeparated)
    .option('--expires <instant>', 'such as 2027-01-31T00:00:00Z; default: it holds until it is revoked')
    .action(async (name: string, { roles, scopes, expires, ...options }: CreateOptions) => {
      const { client, base } = await tenantClient(options);
      const made = await client.post<{ id: string; key: string }>(`${base}/api-keys`, {
        name,
        roles,
        scopes,
        expiresAt: expires,
      });
      process.stderr.write(`API key ${made.id}: it is shown this once.\n`);
      process.stdout.write(`${made.key}\n`);
    });
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'admin')
    .description('List the keys, without their secrets')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const items = await readPages<ApiKeyItem>(client, `${base}/api-keys?limit=200`);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
        return;
      }
      const rows = items.map((item) => [
        ...[item.id, stateOf(item), item.lastUsedAt ?? 'never', item.roles.join(',')],
        ...[item.scopes?.join(',') ?? 'all', item.name],
      ]);
      process.stdout.write(textTable(['id', 'state', 'last used', 'roles', 'scopes', 'name'], rows));
    });
}

function rotateCommand(): Command {
  return speaksToService(new Command('rotate'), 'admin')
    .description('Give a key another secret and print it, this once')
    .argument('<id>')
    .option('--overlap <seconds>', 'how long the former one still holds; default: a day', readSeconds)
    .action(async (id: string, { overlap, ...options }: ServiceOptions & { overlap?: number }) => {
      const { client, base } = await tenantClient(options);
      const path = `${base}/api-keys/${encodeURIComponent(id)}/rotate`;
      const made = await client.post<ApiKeyItem & { key: string }>(path, { overlapSeconds: overlap });
      const former = made.formerHoldsUntil === null ? 'no longer holds' : `holds until ${made.formerHoldsUntil}`;
      process.stderr.write(`API key ${made.id}: the new one is shown this once, the former one ${former}.\n`);
      process.stdout.write(`${made.key}\n`);
    });
}

function revokeCommand(): Command {
  return speaksToService(new Command('revoke'), 'admin')
    .description('End keys for good, everywhere within five seconds')
    .argument('<id...>')
    .action(async (ids: string[], options: ServiceOptions) => {
      const { client, base } = await tenantClient(options);
      for (const id of ids) await client.call('DELETE', `${base}/api-keys/${encodeURIComponent(id)}`);
      process.stdout.write(`${counted(ids.length, 'key')} revoked\n`);
    });
}

function stateOf({ revokedAt, expiresAt }: ApiKeyItem): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'active';
  return Date.parse(expiresAt) > Date.now() ? `active until ${expiresAt}` : 'expired';
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0) throw new InvalidArgumentError('must be a whole number of seconds');
  return seconds;
}

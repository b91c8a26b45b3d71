import { Command, InvalidArgumentError } from 'commander';
import { counted } from '../platform/counted.js';
import { commaSeparated } from './comma-separated.js';
import { readPages } from './read-pages.js';
import { findTenant, type ServiceOptions, speaksToService, systemClient } from './service-client.js';
import { textTable } from './text-table.js';

interface GrantItem {
  readonly id: string;
  readonly requestedBy: string;
  readonly reason: string;
  readonly ticket: string | null;
  readonly entities: readonly string[] | null;
  readonly access: string;
  readonly state: string;
  readonly expiresAt: string;
  readonly tenants: readonly string[];
  readonly uses: number;
}

/** Access grants of system administrators. The id of a new one goes to stdout alone; what is said of it, to stderr. */
export function grantsCommand(): Command {
  return new Command('grants')
    .description('Access grants to the data of tenants: create, list, approve, revoke')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(approveCommand())
    .addCommand(revokeCommand());
}

interface CreateOptions extends ServiceOptions {
  readonly tenants: string[];
  readonly reason: string;
  readonly ticket?: string;
  readonly entities?: string[];
  readonly write?: boolean;
  readonly minutes?: number;
  readonly approval?: boolean;
}

function createCommand(): Command {
  return speaksToService(new Command('create'), 'system_admin')
    .description('Open tenants to yourself, for a reason and for a time; each of them is told')
    .requiredOption('--tenants <tenants>', 'comma-separated ids or slugs', commaSeparated)
    .requiredOption('--reason <text>', 'why; the tenants read it')
    .option('--ticket <ticket>', 'where it is written down, such as SUP-4711')
    .option('--entities <names>', 'comma-separated; default: all', commaSeparated)
    .option('--write', 'records may be changed, too')
    .option('--minutes <minutes>', 'how long it holds; default: 60', readMinutes)
    .option('--approval', 'another system administrator has to approve it first')
    .action(async ({ tenants, reason, ticket, entities, write, minutes, approval, ...options }: CreateOptions) => {
      const client = await systemClient(options);
      const ids: string[] = [];
      for (const tenant of tenants) ids.push(await findTenant(client, tenant));
      const made = await client.post<GrantItem>('/api/v1/grants', {
        ...{ tenants: ids, reason, ticket, entities, approval },
        ...{ access: write ? 'write' : 'read', expiresInMinutes: minutes },
      });
      const state = made.state === 'pending' ? 'it waits for approval' : `it holds until ${made.expiresAt}`;
      process.stderr.write(`Access grant to ${made.access}, for ${counted(made.tenants.length, 'tenant')}: ${state}.\n`);
      process.stdout.write(`${made.id}\n`);
    });
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'system_admin')
    .description('List the grants, newest first')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const items = await readPages<GrantItem>(await systemClient(options), '/api/v1/grants?limit=200');
      if (options.json) {
        process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
        return;
      }
      const rows = items.map((item) => [
        ...[item.id, item.state, item.expiresAt, item.access, item.requestedBy, String(item.tenants.length), String(item.uses)],
        ...[item.ticket ?? '', item.reason],
      ]);
      process.stdout.write(
        textTable(['id', 'state', 'until', 'access', 'requested by', 'tenants', 'uses', 'ticket', 'reason'], rows),
      );
    });
}

function approveCommand(): Command {
  return speaksToService(new Command('approve'), 'system_admin')
    .description("Approve another's grant")
    .argument('<id>')
    .action(async (id: string, options: ServiceOptions) => {
      const client = await systemClient(options);
      const { requestedBy, expiresAt } = await client.post<GrantItem>(`/api/v1/grants/${encodeURIComponent(id)}/approve`);
      process.stdout.write(`approved: ${requestedBy} may use it until ${expiresAt}\n`);
    });
}

function revokeCommand(): Command {
  return speaksToService(new Command('revoke'), 'system_admin')
    .description('End grants for good, at once and everywhere')
    .argument('<id...>')
    .action(async (ids: string[], options: ServiceOptions) => {
      const client = await systemClient(options);
      for (const id of ids) await client.call('DELETE', `/api/v1/grants/${encodeURIComponent(id)}`);
      process.stdout.write(`${counted(ids.length, 'grant')} revoked\n`);
    });
}

function readMinutes(text: string): number {
  const minutes = Number(text);
  if (!Number.isInteger(minutes) || minutes < 1) throw new InvalidArgumentError('must be a whole number of minutes');
  return minutes;
}

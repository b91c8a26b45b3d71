import { Command } from 'commander';
import { type ServiceOptions, speaksToService, systemClient } from './service-client.js';
import { textTable } from './text-table.js';

interface TenantItem {
  readonly tenantId: string;
  readonly sequence: string;
  readonly state: 'parked' | 'retrying';
  readonly failures: number;
  readonly nextTryAt: string;
  readonly error: string | null;
}

interface SinkItem {
  readonly sink: string;
  readonly label: string;
  readonly running: boolean;
  readonly failing: { readonly since: string; readonly error: string | null } | null;
  readonly tenantsBehind: number;
  readonly eventsBehind: number;
  readonly lagSeconds: number;
  readonly parkedTenants: number;
  readonly troubled: readonly TenantItem[];
}

/** Where audit events are published, how far that is, and what to do about an event that a place does not take. */
export function publishingCommand(): Command {
  return new Command('publishing')
    .description('Publishing of audit events: status, retry, skip')
    .addCommand(statusCommand())
    .addCommand(retryCommand())
    .addCommand(skipCommand());
}

function statusCommand(): Command {
  return speaksToService(new Command('status'), 'system_admin')
    .description('Every place, how far it is, and whose events it does not take')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { items } = await (await systemClient(options)).get<{ items: SinkItem[] }>('/api/v1/publishing');
      if (options.json) {
        process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
        return;
      }
      const rows = items.map((item) => [
        ...[item.sink, stateOf(item), `${Math.round(item.lagSeconds)} s`, String(item.eventsBehind)],
        ...[String(item.tenantsBehind), String(item.parkedTenants), item.label],
      ]);
      process.stdout.write(textTable(['place', 'state', 'lag', 'events behind', 'tenants behind', 'parked', 'where'], rows));
      const troubled = items.flatMap(({ sink, troubled: tenants }) =>
        tenants.map((one) => [sink, one.tenantId, one.sequence, one.state, `${one.failures}`, one.nextTryAt, one.error ?? '']),
      );
      if (troubled.length === 0) return;
      process.stdout.write('\n');
      process.stdout.write(textTable(['place', 'tenant', 'sequence', 'state', 'failures', 'next try', 'error'], troubled));
    });
}

function retryCommand(): Command {
  return speaksToService(new Command('retry'), 'system_admin')
    .description('Send the event again that a place did not take, at once')
    .argument('<place>', 'as status names it')
    .argument('<tenant id>')
    .requiredOption('--reason <text>', "kept in the tenant's trail")
    .action(async (place: string, tenantId: string, { reason, ...options }: ServiceOptions & { reason: string }) => {
      const tenant = await act(options, place, tenantId, 'retry', { reason });
      process.stdout.write(`event ${tenant.sequence} is sent again\n`);
    });
}

function skipCommand(): Command {
  return speaksToService(new Command('skip'), 'system_admin')
    .description('Pass over the event that a place does not take, for good')
    .argument('<place>', 'as status names it')
    .argument('<tenant id>')
    .argument('<sequence>', 'of the event, as status names it')
    .requiredOption('--reason <text>', "kept in the tenant's trail")
    .action(
      async (place: string, tenantId: string, sequence: string, { reason, ...options }: ServiceOptions & { reason: string }) => {
        await act(options, place, tenantId, 'skip', { sequence, reason });
        process.stdout.write(`event ${sequence} is passed over\n`);
      },
    );
}

async function act(options: ServiceOptions, place: string, tenantId: string, verb: string, body: object): Promise<TenantItem> {
  const path = `/api/v1/publishing/${encodeURIComponent(place)}/tenants/${encodeURIComponent(tenantId)}/${verb}`;
  return (await systemClient(options)).post<TenantItem>(path, body);
}

function stateOf({ running, failing }: SinkItem): string {
  if (!running) return 'nobody is at it';
  return failing === null ? 'well' : `failing since ${failing.since}: ${failing.error ?? 'unknown'}`;
}

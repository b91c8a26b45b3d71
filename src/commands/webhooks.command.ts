import { Command, InvalidArgumentError } from 'commander';
import { counted } from '../platform/counted.js';
import { commaSeparated } from './comma-separated.js';
import { readPages } from './read-pages.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';
import { textTable } from './text-table.js';

interface WebhookItem {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly entities: readonly string[] | null;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly failures: number;
  readonly pausedUntil: string | null;
  readonly formerSecretUntil: string | null;
  readonly sentSeq: number;
  readonly replay: { fromSeq: number; toSeq: number; sentSeq: number; finished: boolean } | null;
}

interface DeliveryItem {
  readonly id: string;
  readonly seq: number;
  readonly action: string;
  readonly status: string;
  readonly attempts: readonly { at: string; status: number | null; error: string | null; ms: number }[];
  readonly nextAttemptAt: string | null;
}

/** Webhooks of a tenant. A secret goes to stdout alone, so that it can be piped to where it belongs; what is said of it, to stderr. */
export function webhooksCommand(): Command {
  return new Command('webhooks')
    .description('Webhooks of a tenant: create, list, rotate, delete, deliveries, replay')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(deleteCommand())
    .addCommand(deliveriesCommand())
    .addCommand(replayCommand());
}

interface CreateOptions extends ServiceOptions {
  readonly events?: string[];
  readonly entities?: string[];
  readonly include?: string;
  readonly description?: string;
}

function createCommand(): Command {
  return speaksToService(new Command('create'), 'admin')
    .description('Make a webhook and print its secret, this once')
    .argument('<url>', 'https, on the public internet')
    .option('--events <events>', 'comma-separated, such as record.created,record.deleted; default: record.*', commaSeparated)
    .option('--entities <entities>', 'comma-separated; default: all', commaSeparated)
    .option('--include <what>', 'ids or full; default: ids')
    .option('--description <text>', 'what it is for, as people read it')
    .action(async (url: string, { events, entities, include, description, ...options }: CreateOptions) => {
      const { client, base } = await tenantClient(options);
      const body = { url, events, entities, include, description };
      const made = await client.post<{ id: string; secret: string }>(`${base}/webhooks`, body);
      process.stderr.write(`webhook ${made.id}: its secret is shown this once.\n`);
      process.stdout.write(`${made.secret}\n`);
    });
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'admin')
    .description('List the webhooks, without their secrets')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const items = await readPages<WebhookItem>(client, `${base}/webhooks?limit=200`);
      if (options.json) return void process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
      const rows = items.map((item) => [
        ...[item.id, stateOf(item), String(item.sentSeq), item.events.join(','), item.entities?.join(',') ?? 'all', item.url],
      ]);
      process.stdout.write(textTable(['id', 'state', 'sent', 'events', 'entities', 'url'], rows));
    });
}

function rotateCommand(): Command {
  return speaksToService(new Command('rotate'), 'admin')
    .description('Give a webhook another secret and print it, this once')
    .argument('<id>')
    .option('--overlap <seconds>', 'how long the former one signs too; default: a day', readNumber)
    .action(async (id: string, { overlap, ...options }: ServiceOptions & { overlap?: number }) => {
      const { client, base } = await tenantClient(options);
      const path = `${base}/webhooks/${encodeURIComponent(id)}/rotate`;
      const made = await client.post<WebhookItem & { secret: string }>(path, { overlapSeconds: overlap });
      const former = made.formerSecretUntil === null ? 'no longer signs' : `signs too until ${made.formerSecretUntil}`;
      process.stderr.write(`webhook ${made.id}: the new secret is shown this once, the former one ${former}.\n`);
      process.stdout.write(`${made.secret}\n`);
    });
}

function deleteCommand(): Command {
  return speaksToService(new Command('delete'), 'admin')
    .description('Delete webhooks, and what is known of their deliveries')
    .argument('<id...>')
    .action(async (ids: string[], options: ServiceOptions) => {
      const { client, base } = await tenantClient(options);
      for (const id of ids) await client.call('DELETE', `${base}/webhooks/${encodeURIComponent(id)}`);
      process.stdout.write(`${counted(ids.length, 'webhook')} deleted\n`);
    });
}

interface DeliveriesOptions extends ServiceOptions {
  readonly status?: string;
  readonly limit: number;
  readonly json?: boolean;
}

function deliveriesCommand(): Command {
  return speaksToService(new Command('deliveries'), 'admin')
    .description('List what a webhook was sent and how it went, latest events first')
    .argument('<id>')
    .option('--status <status>', 'waiting, delivered or dead')
    .option('--limit <count>', 'how many', readNumber, 50)
    .option('--json', 'as JSON')
    .action(async (id: string, { status, limit, json, ...options }: DeliveriesOptions) => {
      const { client, base } = await tenantClient(options);
      const query = `limit=${Math.min(limit, 200)}${status === undefined ? '' : `&status=${encodeURIComponent(status)}`}`;
      const path = `${base}/webhooks/${encodeURIComponent(id)}/deliveries?${query}`;
      const items = await readPages<DeliveryItem>(client, path, { most: limit });
      if (json) return void process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
      const rows = items.map(({ id: event, seq, action, status: state, attempts, nextAttemptAt }) => {
        const last = attempts.at(-1);
        const said = last ? String(last.status ?? last.error) : '';
        return [event, String(seq), action, state, String(attempts.length), said, nextAttemptAt ?? ''];
      });
      process.stdout.write(textTable(['event', 'seq', 'action', 'status', 'attempts', 'last', 'next attempt'], rows));
    });
}

interface ReplayOptions extends ServiceOptions {
  readonly from?: string;
  readonly fromSeq?: number;
  readonly toSeq?: number;
}

function replayCommand(): Command {
  return speaksToService(new Command('replay'), 'admin')
    .description('Send a webhook earlier events once more')
    .argument('<id>')
    .option('--from <instant>', 'what was recorded from then on, such as 2027-01-31T00:00:00Z')
    .option('--from-seq <number>', 'the first event', readNumber)
    .option('--to-seq <number>', 'the last event; default: the latest', readNumber)
    .action(async (id: string, { from, fromSeq, toSeq, ...options }: ReplayOptions) => {
      const { client, base } = await tenantClient(options);
      const path = `${base}/webhooks/${encodeURIComponent(id)}/replay`;
      const { replay } = await client.post<WebhookItem>(path, { from, fromSeq, toSeq });
      process.stdout.write(`the events ${replay?.fromSeq} to ${replay?.toSeq} are sent once more\n`);
    });
}

function stateOf({ enabled, disabledReason, failures, pausedUntil, replay }: WebhookItem): string {
  if (!enabled) return disabledReason === null ? 'disabled' : `disabled: ${disabledReason}`;
  if (failures > 0) return `failing${pausedUntil === null ? '' : `, paused until ${pausedUntil}`}`;
  return replay && !replay.finished ? `replaying ${replay.sentSeq} of ${replay.toSeq}` : 'enabled';
}

function readNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError('must be a whole number');
  return number;
}

import { Argument, Command } from 'commander';
import type { KeyJob } from '../encryption/key-job.js';
import { ROTATIONS } from '../encryption/keys.bodies.js';
import type { KeysView, ShredOutcome } from '../encryption/keys.service.js';
import { KEY_PROVIDERS } from '../keys/key-provider.js';
import { counted } from '../platform/counted.js';
import { forgetCommand } from './data-keys-forget.command.js';
import { receiptCommand, receiptText } from './data-keys-receipt.command.js';
import { watchKeyJob } from './key-job-progress.js';
import { type ServiceClient, type ServiceOptions, speaksToService, tenantClient } from './service-client.js';
import { textTable } from './text-table.js';

/** The keys that a tenant's values are encrypted under. */
export function dataKeysCommand(): Command {
  return new Command('data-keys')
    .description('Encryption keys of a tenant: list, rotate, move to another provider, destroy')
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(moveCommand())
    .addCommand(jobsCommand())
    .addCommand(forgetCommand())
    .addCommand(shredCommand())
    .addCommand(receiptCommand());
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'admin')
    .description('Where the keys are, their versions, and what is under way')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const keys = await client.get<KeysView>(`${base}/keys`);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`);
        return;
      }
      const where = keys.provider === null ? '' : `: ${keys.provider} ${keys.keyRef}, epoch ${keys.epoch}`;
      process.stderr.write(`${keys.state}${where}\n`);
      if (keys.job) process.stderr.write(`under way: ${jobText(keys.job)}\n`);
      const rows = keys.dataKeys.map(({ purpose, version, state, createdAt, commitment }) => {
        return [purpose, String(version), state, String(createdAt), commitment.slice(0, 16)];
      });
      process.stdout.write(textTable(['key', 'version', 'state', 'created', 'commitment'], rows));
    });
}

interface JobOptions extends ServiceOptions {
  readonly detach?: boolean;
}

function rotateCommand(): Command {
  return speaksToService(new Command('rotate'), 'admin')
    .description('Put a new key in the place of one, while records are read and written')
    .addArgument(
      new Argument('<purpose>', 'encrypt: of the values; index: of what is searched for; provider: what wraps both').choices(
        ROTATIONS,
      ),
    )
    .option('--detach', 'do not wait until it is done')
    .action(async (purpose: string, options: JobOptions) => {
      const { client, base } = await tenantClient(options);
      await carriedOut(client, base, client.post<KeyJob>(`${base}/keys/rotate`, { purpose }), options);
    });
}

function moveCommand(): Command {
  return speaksToService(new Command('move'), 'admin')
    .description("Have the keys wrapped by another provider, or by a key of the tenant's own")
    .addArgument(new Argument('<provider>').choices(KEY_PROVIDERS))
    .option('--key-ref <name>', "the provider's name for the tenant's own key; default: the provider makes one")
    .option('--detach', 'do not wait until it is done')
    .action(async (provider: string, { keyRef, ...options }: JobOptions & { keyRef?: string }) => {
      const { client, base } = await tenantClient(options);
      const moved = client.call<KeyJob>('PUT', `${base}/keys/provider`, { provider, keyRef }).then(({ body }) => body);
      await carriedOut(client, base, moved, options);
    });
}

function jobsCommand(): Command {
  return speaksToService(new Command('jobs'), 'admin')
    .description('Work on the keys, newest first')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const { items } = await client.get<{ items: KeyJob[] }>(`${base}/keys/jobs`);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
        return;
      }
      const rows = items.map((job) => [job.id, job.status, job.startedAt, job.by, jobText(job)]);
      process.stdout.write(textTable(['id', 'status', 'started', 'by', 'what'], rows));
    });
}

interface ShredOptions extends ServiceOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

function shredCommand(): Command {
  return speaksToService(new Command('shred'), 'admin')
    .description('Destroy the keys for good: nothing that is encrypted is ever read again')
    .argument('[slug]', 'of the tenant, so that nobody destroys the keys of another; not needed with --dry-run')
    .option('--dry-run', 'only say what nobody could read any more')
    .option('--yes', 'do it; without, it is only said what would happen')
    .action(async (confirm: string | undefined, { yes = false, dryRun = false, ...options }: ShredOptions) => {
      const { client, base } = await tenantClient(options);
      if (dryRun || !yes) {
        const { unreadable = [] } = await client.post<ShredOutcome>(`${base}/keys/shred`, { dryRun: true });
        process.stdout.write(unreadableText(unreadable));
        if (!dryRun) throw new Error('nothing was destroyed: to do it, add --yes');
        return;
      }
      const { receipt } = await client.post<ShredOutcome>(`${base}/keys/shred`, { confirm });
      if (receipt) process.stdout.write(receiptText(receipt.receipt, receipt.jws === null ? 'unsigned' : 'signed'));
      else
        process.stderr.write(
          'Nothing can be read any more. The provider has not said yet that its key is gone: bss data-keys list\n',
        );
    });
}

/** Waits until it is done, unless told not to. */
async function carriedOut(client: ServiceClient, base: string, begun: Promise<KeyJob>, { detach }: JobOptions): Promise<void> {
  const { id } = await begun;
  const href = `${base}/keys/jobs/${id}`;
  if (detach) {
    process.stdout.write(`under way: ${href}\n`);
    return;
  }
  const { cells } = await watchKeyJob(client, href);
  process.stdout.write(`done: ${counted(cells.total, 'value')} in the last stage\n`);
}

function unreadableText(unreadable: NonNullable<ShredOutcome['unreadable']>): string {
  const rows = unreadable.map(({ entity, properties, cells }) => {
    return [entity, String(cells.live), String(cells.past), properties.join(', ')];
  });
  return textTable(['entity', 'values', 'of the past', 'properties'], rows);
}

function jobText({ kind, purpose, provider, status, stage, cells }: KeyJob): string {
  const what = [kind, purpose ?? provider ?? ''].filter((word) => word !== '').join(' ');
  return status === 'running' ? `${what}: ${stage}, ${cells.done} of ${cells.total}` : what;
}

import { setTimeout as wait } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Ring } from '../packs/rollout.js';
import { counted } from '../platform/counted.js';
import { collect } from './apply.command.js';
import { sayHowFar } from './how-far.js';
import { readReference } from './pack.command.js';
import { rehearse, tellRehearsal } from './rehearse-rollout.js';
import {
  describeRollout,
  describeTenants,
  inWords,
  newestRollout,
  type RolloutAnswer,
  readRollout,
  readTenants,
} from './rollout-answers.js';
import { type ServiceClient, type ServiceOptions, speaksToService, systemClient } from './service-client.js';
import { textTable } from './text-table.js';

const EVERY_MS = 500;

/** Takes the tenants that have a pack to another version of it. */
export function rolloutCommand(): Command {
  const steering = [
    steerCommand('pause', 'Finish the tenants in hand and begin no other'),
    steerCommand('resume', 'Go on; with the next ring when this one is over, whoever failed in it'),
    steerCommand('retry', 'Try the tenants again that failed'),
    steerCommand('cancel', 'Finish the tenants in hand and leave the others as they are, for good'),
  ];
  const command = new Command('rollout')
    .description('Take the tenants that have a pack to another version of it, ring by ring')
    .addCommand(startCommand())
    .addCommand(statusCommand())
    .addCommand(listCommand());
  for (const each of steering) command.addCommand(each);
  return command;
}

interface StartOptions extends ServiceOptions {
  readonly ring: Ring[];
  readonly concurrency?: number;
  readonly allow: string[];
  readonly dryRun?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

function startCommand(): Command {
  return speaksToService(new Command('start'), 'system_admin')
    .description('Start a rollout and watch it until it is over')
    .argument('<pack[@version]>', 'default: the newest version')
    .addOption(
      new Option('--ring <who>', 'all, a share such as 10%, or tenants as slug,slug; repeatable, in order')
        .argParser(readRing)
        .default([], '10%, then all'),
    )
    .option('--concurrency <n>', 'tenants at work at the same time; default: 4', readCount)
    .addOption(
      new Option('--allow <what>', 'destructive, blocking, or the answer to a question; repeatable')
        .argParser(collect)
        .default([], 'nothing'),
    )
    .option('--dry-run', 'plan every tenant and change nothing')
    .option('--detach', 'do not watch: print the id and return')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
After a ring in which a tenant failed the rollout pauses: look with bss rollout status, then retry, resume or cancel.
The service does the work: whoever stops watching does not stop it. Exit code 1: some tenant failed, or it paused.

Examples:
  bss rollout start security@1.1.0 --dry-run
  bss rollout start security@1.1.0 --ring acme --ring 25% --ring all`,
    )
    .action(async (reference: string, options: StartOptions) => {
      const client = await systemClient(options);
      const { ring: rings, concurrency, allow, dryRun } = options;
      const order = {
        ...{ ...readReference(reference), allow, concurrency, dryRun },
        rings: rings.length > 0 ? rings : undefined,
      };
      if (dryRun) return tellRehearsal(await rehearse(client, order), options.json);
      const started = await client.post<RolloutAnswer>('/api/v1/rollouts', order);
      if (options.detach) {
        process.stdout.write(options.json ? json(started) : `${started.id}\n`);
        return;
      }
      const ended = await watch(client, started);
      process.stdout.write(options.json ? json(ended) : describeRollout(ended) + nextSteps(ended));
      if (ended.status !== 'done' || ended.counts.failed > 0) process.exitCode = 1;
    });
}

function statusCommand(): Command {
  return speaksToService(new Command('status'), 'system_admin')
    .description("Show how far a rollout is, and every tenant's version, drift and last error")
    .argument('[rollout]', 'default: the newest')
    .option('--pack <pack>', 'the newest of this pack')
    .option('--only <status>', 'pending, running, done, failed, suspended or skipped')
    .option('--no-drift', 'do not compare catalogs with registries, which takes some 5 ms for each tenant')
    .option('--json', 'as JSON')
    .action(
      async (
        id: string | undefined,
        options: ServiceOptions & { pack?: string; only?: string; drift: boolean; json?: boolean },
      ) => {
        const client = await systemClient(options);
        const rollout = id === undefined ? await newestRollout(client, options.pack) : await readRollout(client, id);
        const wanted = { drift: options.drift, ...(options.only === undefined ? {} : { status: options.only }) };
        const tenants = await readTenants(client, rollout.id, wanted, (read) =>
          sayHowFar(`looked at ${counted(read, 'tenant')}`),
        );
        sayHowFar('');
        if (options.json) process.stdout.write(json({ ...rollout, tenants }));
        else process.stdout.write(`${describeRollout(rollout)}\n${describeTenants(tenants)}`);
      },
    );
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'system_admin')
    .description('List rollouts, newest first')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const client = await systemClient(options);
      const { items } = await client.get<{ items: RolloutAnswer[] }>('/api/v1/rollouts?limit=50');
      const rows = items.map(({ id, pack, version, status, percent, counts, createdAt }) => {
        return [id, `${pack} ${version}`, status, `${percent} %`, String(counts.failed), createdAt];
      });
      process.stdout.write(
        options.json ? json(items) : textTable(['rollout', 'pack', 'status', 'done', 'failed', 'begun'], rows),
      );
    });
}

function steerCommand(verb: string, description: string): Command {
  return speaksToService(new Command(verb), 'system_admin')
    .description(description)
    .argument('[rollout]', 'default: the newest')
    .option('--json', 'as JSON')
    .action(async (id: string | undefined, options: ServiceOptions & { json?: boolean }) => {
      const client = await systemClient(options);
      const wanted = id ?? (await newestRollout(client)).id;
      const rollout = await client.post<RolloutAnswer>(`/api/v1/rollouts/${encodeURIComponent(wanted)}/${verb}`);
      process.stdout.write(options.json ? json(rollout) : describeRollout(rollout));
    });
}

/** A bar until nobody works on it any more. Where there is no terminal, a line every two seconds. */
async function watch(client: ServiceClient, started: RolloutAnswer): Promise<RolloutAnswer> {
  const bar = new SingleBar({
    format: '{bar} {percentage} %  {value} of {tenants}  ring {ring}/{rings}  {failed} failed  {left}',
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 2_000,
  });
  let rollout = started;
  bar.start(started.total, 0, told(started));
  try {
    while (rollout.status === 'running') {
      await wait(EVERY_MS);
      rollout = await readRollout(client, started.id);
      bar.update(rollout.total - rollout.counts.pending - rollout.counts.running, told(rollout));
    }
    return rollout;
  } finally {
    bar.stop();
  }
}

function told({ ring, rings, counts, total, estimatedRemainingSeconds: left }: RolloutAnswer): object {
  return {
    tenants: counted(total, 'tenant'),
    ring,
    rings: rings.length,
    failed: counts.failed,
    left: left === null ? '' : `${inWords(left)} left`,
  };
}

function nextSteps({ id, status, counts }: RolloutAnswer): string {
  const lines = [
    ...(counts.failed > 0 ? [`What failed, and why: bss rollout status ${id} --only failed`] : []),
    ...(status === 'paused' ? [`Then: bss rollout retry ${id}, resume ${id}, or cancel ${id}`] : []),
    ...(status === 'done' && counts.failed > 0 ? [`Then: bss rollout retry ${id}`] : []),
    ...(counts.suspended > 0 ? [suspendedText(counts.suspended)] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function suspendedText(count: number): string {
  return count === 1
    ? '1 suspended tenant is caught up when it is resumed'
    : `${count} suspended tenants are caught up when they are resumed`;
}

function readRing(text: string, rings: Ring[]): Ring[] {
  const percent = /^(\d{1,3})%$/.exec(text)?.[1];
  if (text === 'all') return [...rings, { all: true }];
  if (percent !== undefined) return [...rings, { percent: Number(percent) }];
  const tenants = text.split(',').map((name) => name.trim());
  if (tenants.some((name) => name === '')) throw new InvalidArgumentError('takes all, a share such as 10%, or slug,slug');
  return [...rings, { tenants }];
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('must be a whole number from 1');
  return count;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

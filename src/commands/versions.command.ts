import { Command } from 'commander';
import type { Definition, PlanAnswer } from '../entities/change-request.js';
import type { VersionView } from '../entities/stored-versions.js';
import type { VersionDifference } from '../entities/versions.service.js';
import { collect } from './apply.command.js';
import { watchChange } from './change-progress.js';
import { planText } from './plan-text.js';
import { readPages } from './read-pages.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

/** The history of an entity: list it, compare two versions, go back to one. */
export function versionsCommand(): Command {
  return new Command('versions')
    .description('The history of an entity')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(diffCommand());
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'admin')
    .description('List the versions, newest first')
    .argument('<entity>')
    .option('--json', 'as JSON, with the documents')
    .action(async (entity: string, options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const items = await readPages<VersionView>(client, `${base}/entities/${encodeURIComponent(entity)}/versions?limit=200`, {
        parameter: 'before',
      });
      if (options.json) {
        process.stdout.write(json(items));
        return;
      }
      for (const { version, createdAt, createdBy } of items) process.stdout.write(`${version}\t${createdAt}\t${createdBy}\n`);
    });
}

function diffCommand(): Command {
  return speaksToService(new Command('diff'), 'admin')
    .description('What differs between two versions')
    .argument('<entity>')
    .argument('<from>')
    .argument('<to>')
    .option('--json', 'as JSON')
    .action(async (entity: string, from: string, to: string, options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const query = new URLSearchParams({ from, to });
      const path = `${base}/entities/${encodeURIComponent(entity)}/diff?${query}`;
      const difference = await client.get<VersionDifference>(path);
      if (options.json) {
        process.stdout.write(json(difference));
        return;
      }
      const { compatibility, changes } = difference;
      process.stdout.write(`compatibility: ${compatibility.level}\n`);
      for (const { kind, pointer, message } of changes) process.stdout.write(`${kind}\t${pointer}\t${message}\n`);
    });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

interface RollbackOptions extends ServiceOptions {
  readonly dryRun?: boolean;
  readonly hash?: string;
  readonly allow: string[];
}

/** Puts an old version in force again. */
export function rollbackCommand(): Command {
  return speaksToService(new Command('rollback'), 'admin')
    .description('Put an old version of an entity in force again, as a new one')
    .argument('<entity>')
    .argument('<version>')
    .option('--dry-run', 'show the plan and change nothing')
    .option('--hash <hash>', 'of the plan that was looked at; without it, whatever is needed is applied')
    .option('--allow <what>', 'destructive, blocking, or the answer to a question; repeatable', collect, [])
    .action(async (entity: string, version: string, options: RollbackOptions) => {
      const { client, base } = await tenantClient(options);
      const path = `${base}/entities/${encodeURIComponent(entity)}/rollback`;
      const body = { version: Number(version), allow: options.allow, hash: options.hash };
      if (options.dryRun) {
        process.stdout.write(planText(await client.post<PlanAnswer>(path, { ...body, dryRun: true })));
        return;
      }
      const applied = await client.post<Definition & { change?: { href: string } }>(path, body);
      if (applied.change) await watchChange(client, applied.change.href);
      process.stdout.write(`${applied.name}: what version ${version} said is in force again\n`);
    });
}

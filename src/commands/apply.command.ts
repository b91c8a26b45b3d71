import { Command } from 'commander';
import type { Definition, PlanAnswer } from '../entities/change-request.js';
import { watchChange } from './change-progress.js';
import { readDocumentFile } from './entity-documents.js';
import { planText } from './plan-text.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface ApplyOptions extends ServiceOptions {
  readonly entity?: string;
  readonly hash?: string;
  readonly allow: string[];
  readonly detach?: boolean;
}

type Applied = Definition & { readonly change?: { readonly href: string } };

/** Applies a document: by the hash of a plan that was looked at, or by one made and shown now. */
export function applyCommand(): Command {
  return speaksToService(new Command('apply'), 'admin')
    .description('Apply a new document of an entity, with a progress bar where a large table has to be prepared')
    .argument('<file>', 'the document; - reads standard input')
    .option('--entity <name>', 'the entity; default: the name of the file')
    .option('--hash <hash>', 'of the plan that was looked at; without it, the plan made now is shown and applied')
    .option('--allow <what>', 'destructive, blocking, or the answer to a question such as drop:title; repeatable', collect, [])
    .option('--detach', 'do not wait for a change that is being prepared')
    .action(async (file: string, options: ApplyOptions) => {
      const { entity, document } = readDocumentFile(file, options.entity);
      const { client, base } = await tenantClient(options);
      const path = `${base}/entities/${encodeURIComponent(entity)}`;
      const hash = options.hash ?? (await shownPlan(client.post<PlanAnswer>(`${path}/plan`, document)));
      const body = { document, hash, allow: options.allow };
      // Whatever has to be prepared is watched, not waited for.
      const { body: applied } = await client.call<Applied>('POST', `${path}/apply`, body, { prefer: 'respond-async' });
      if (applied.change && options.detach) {
        process.stdout.write(`being prepared: ${applied.change.href}\n`);
        return;
      }
      if (applied.change) await watchChange(client, applied.change.href);
      const { version } = await client
        .get<Definition>(`${base}/entities/${encodeURIComponent(applied.name)}`)
        .catch(() => applied);
      process.stdout.write(`${applied.name}: version ${version} is in force\n`);
    });
}

async function shownPlan(planning: Promise<PlanAnswer>): Promise<string> {
  const plan = await planning;
  process.stdout.write(planText(plan));
  return plan.hash;
}

export function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

import { Command } from 'commander';
import type { PlanAnswer } from '../entities/change-request.js';
import { readDocumentFile } from './entity-documents.js';
import { planText } from './plan-text.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

/** Shows what a document would do, and changes nothing. */
export function planCommand(): Command {
  return speaksToService(new Command('plan'), 'admin')
    .description('Show what a new document of an entity would do: operations, exact SQL, locks, rows, way back, hash')
    .argument('<file>', 'the document; - reads standard input')
    .option('--entity <name>', 'the entity; default: the name of the file')
    .option('--json', 'the plan as JSON')
    .addHelpText('after', '\nExample: bss plan schemas/Track.json\nApply it: bss apply schemas/Track.json --hash sha256:…')
    .action(async (file: string, options: ServiceOptions & { entity?: string; json?: boolean }) => {
      const { entity, document } = readDocumentFile(file, options.entity);
      const { client, base } = await tenantClient(options);
      const plan = await client.post<PlanAnswer>(`${base}/entities/${encodeURIComponent(entity)}/plan`, document);
      process.stdout.write(options.json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan));
      if (!plan.possible || plan.questions.length > 0) process.exitCode = 2;
    });
}

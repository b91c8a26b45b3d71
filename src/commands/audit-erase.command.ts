import { Command } from 'commander';
import { counted } from '../platform/counted.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface EraseOptions extends ServiceOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
}

interface Erasure {
  readonly events: number;
  readonly elsewhere: readonly { readonly what: string; readonly path?: string }[];
}

/** Ends what the trail knows of a person's values in the events of one record. */
export function eraseCommand(): Command {
  return speaksToService(new Command('erase'), 'admin')
    .description("Erase a record's personal values from the trail, for good; its events and its chain stay")
    .argument('<entity>')
    .argument('<record>', 'the id of the record, whether it lives or not')
    .requiredOption('--reason <text>', 'why; it stays in the trail')
    .option('--dry-run', 'only say how many events there are to erase something of')
    .action(async (entity: string, recordId: string, { reason, dryRun = false, ...options }: EraseOptions) => {
      const { client, base } = await tenantClient(options);
      const { events, elsewhere } = await client.post<Erasure>(`${base}/audit/erasures`, { entity, recordId, reason, dryRun });
      process.stdout.write(`${counted(events, 'event')} ${dryRun ? 'would be ' : ''}left with commitments only\n`);
      process.stderr.write('What else may hold such values:\n');
      for (const { what, path } of elsewhere) process.stderr.write(`  ${what}${path ? ` (${path})` : ''}\n`);
    });
}

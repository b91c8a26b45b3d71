import { Command } from 'commander';
import type { ForgottenSubject } from '../encryption/subject-shredding.js';
import { counted } from '../platform/counted.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface ForgetOptions extends ServiceOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Destroys the key of one whom records are about. */
export function forgetCommand(): Command {
  return speaksToService(new Command('forget'), 'admin')
    .description(
      'Destroy the key of one person or thing that records are about: nothing encrypted of it is ever read or found again',
    )
    .argument('<subject>', 'as records say it, in the property that `subject` of their entity names')
    .option('--dry-run', 'only say how many values nobody could read any more')
    .option('--yes', 'do it; without, it is only said what would happen')
    .option('--json', 'the receipt as JSON')
    .action(async (subject: string, { yes = false, dryRun = false, json = false, ...options }: ForgetOptions) => {
      const { client, base } = await tenantClient(options);
      const path = `${base}/keys/subjects/shred`;
      if (dryRun || !yes) {
        const { cells = 0 } = await client.post<ForgottenSubject>(path, { subject, dryRun: true });
        process.stdout.write(`${counted(cells, 'value')} would be unreadable for good\n`);
        if (!dryRun) throw new Error('nothing was destroyed: to do it, add --yes');
        return;
      }
      const { receipt, jws } = await client.post<ForgottenSubject>(path, { subject, confirm: subject });
      if (json) process.stdout.write(`${JSON.stringify({ receipt, jws })}\n`);
      else
        process.stdout.write(
          `destroyed: key ${receipt?.keyId}, at ${receipt?.at} (${jws ? 'signed' : 'unsigned'}); the trail has the receipt\n`,
        );
    });
}

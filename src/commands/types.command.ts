import { Command } from 'commander';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

/** Prints the TypeScript types of a tenant's entities, for supabase-js and postgrest-js. */
export function typesCommand(): Command {
  return speaksToService(new Command('types'), 'admin')
    .description('Print the entities of a tenant as TypeScript, the Database type of supabase-js')
    .addHelpText('after', '\nExample: bss types > database.ts')
    .action(async (options: ServiceOptions) => {
      const { client, base } = await tenantClient(options);
      process.stdout.write(await client.text(`${base}/types.ts`));
    });
}

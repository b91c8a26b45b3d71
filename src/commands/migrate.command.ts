import { Command } from 'commander';
import { bootstrap } from '../database/bootstrap.js';
import { ControlPlane } from '../database/control-plane.js';
import { parseContextKeys, readSettings } from '../platform/settings.js';

/** Prepares a Postgres: roles and grants as administrator, then the control plane's migrations. Safe to run again. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Prepare the database named by DATABASE_URL; with DATABASE_ADMIN_URL also its roles and grants')
    .action(async () => {
      const { DATABASE_URL, DATABASE_CONTROL_URL, DATABASE_ADMIN_URL, CONTEXT_KEYS } = readSettings(process.env);
      if (!DATABASE_URL || !DATABASE_CONTROL_URL || !CONTEXT_KEYS) {
        throw new Error('set DATABASE_URL, DATABASE_CONTROL_URL and CONTEXT_KEYS; embedded mode migrates by itself at start');
      }
      if (DATABASE_ADMIN_URL) {
        await bootstrap(DATABASE_ADMIN_URL, { runtimeUrl: DATABASE_URL, controlUrl: DATABASE_CONTROL_URL });
        process.stdout.write('roles and grants: in place\n');
      }
      const contextKeys = parseContextKeys(CONTEXT_KEYS);
      const controlPlane = new ControlPlane({ url: DATABASE_CONTROL_URL, contextKeys, entities: [] });
      try {
        const ran = await controlPlane.open();
        process.stdout.write(`migrations: ${ran.length === 0 ? 'none pending' : ran.join(', ')}\n`);
      } finally {
        await controlPlane.close();
      }
    });
}

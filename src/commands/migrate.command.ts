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
        await explained(
          'DATABASE_ADMIN_URL',
          bootstrap(DATABASE_ADMIN_URL, { runtimeUrl: DATABASE_URL, controlUrl: DATABASE_CONTROL_URL }),
        );
        process.stdout.write('roles and grants: in place\n');
      }
      const contextKeys = parseContextKeys(CONTEXT_KEYS);
      const controlPlane = new ControlPlane({ url: DATABASE_CONTROL_URL, contextKeys, entities: [] });
      try {
        const ran = await explained('DATABASE_CONTROL_URL', controlPlane.open());
        process.stdout.write(`migrations: ${ran.length === 0 ? 'none pending' : ran.join(', ')}\n`);
      } finally {
        await controlPlane.close();
      }
    });
}

/** Which setting an error is about, and what to do next; never a password. */
async function explained<T>(setting: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === '3F000' || code === '42P01') {
      throw new Error(
        'the database is not prepared: set DATABASE_ADMIN_URL to a login that may create roles, and run this again',
        { cause: error },
      );
    }
    const remedy = code === '42501' ? ': it needs a login that may create roles and owns the database, such as postgres' : '';
    throw new Error(`${setting}: ${reason}${remedy}`, { cause: error });
  }
}

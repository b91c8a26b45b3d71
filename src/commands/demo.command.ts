import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { openDevelopmentIssuer } from '../access/development-issuer.js';
import { loadChinook } from '../demo/load-chinook.js';
import { counted } from '../platform/counted.js';
import { readSettings } from '../platform/settings.js';

/** Loads the Chinook data (11 entities, 15,607 records) into a running service, through its public API. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Load the Chinook example data into a running service')
    .option('--url <url>', 'the service; default: http://127.0.0.1 at PORT')
    .option('--tenant <id>', 'tenant id; default in embedded mode: the demo tenant')
    .option('--token <token>', 'an access token with role admin; default in embedded mode: one of the development Auth Service')
    .action(async (options: { url?: string; tenant?: string; token?: string }) => {
      const settings = readSettings(process.env);
      const baseUrl = options.url ?? `http://127.0.0.1:${settings.PORT}`;
      if (settings.DATABASE_URL && (!options.tenant || !options.token)) {
        throw new Error('outside of embedded mode, name --tenant and --token');
      }
      const tenantId = options.tenant ?? (await demoTenant(baseUrl, settings.DATA_DIR));
      const token = options.token ?? (await developmentToken(settings.DATA_DIR, tenantId));
      const bar = new SingleBar({ format: '{bar} {value}/{total} records  {entity}', hideCursor: true });
      bar.start(1, 0, { entity: '' });
      const notices: string[] = [];
      try {
        const result = await loadChinook({
          baseUrl,
          tenantId,
          token,
          onNotice: (message) => notices.push(message),
          onProgress: (done, total, entity) => {
            bar.setTotal(total);
            bar.update(done, { entity });
          },
        });
        bar.stop();
        for (const notice of notices) process.stdout.write(`${notice}\n`);
        process.stdout.write(
          `${counted(result.records, 'record')} of ${result.entities} entities in ${result.seconds.toFixed(1)} s\n`,
        );
      } finally {
        bar.stop();
      }
    });
}

async function developmentToken(dataDir: string, tenantId: string): Promise<string> {
  const issuer = await openDevelopmentIssuer(dataDir);
  return issuer.sign({ subject: 'demo', tenantId, roles: ['admin'] });
}

async function demoTenant(baseUrl: string, dataDir: string): Promise<string> {
  const issuer = await openDevelopmentIssuer(dataDir);
  const token = await issuer.sign({ subject: 'demo', roles: ['system_admin'] });
  const response = await fetch(`${baseUrl}/api/v1/tenants?limit=200`, { headers: { authorization: `Bearer ${token}` } }).catch(
    () => null,
  );
  if (!response) throw new Error(`nothing answers at ${baseUrl}: start the service first (npm start)`);
  const { items } = (await response.json()) as { items?: { id: string; slug: string }[] };
  const tenant = items?.find(({ slug }) => slug === 'demo');
  if (!tenant) throw new Error('the service has no tenant "demo": name one with --tenant');
  return tenant.id;
}

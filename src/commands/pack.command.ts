import { Command } from 'commander';
import { findTenant, type ServiceOptions, speaksToService, systemClient } from './service-client.js';
import { textTable } from './text-table.js';

interface PackItem {
  readonly name: string;
  readonly title: string;
  readonly versions: readonly string[];
  readonly entities: readonly string[];
}

interface PackVersion {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly entities: readonly { readonly name: string; readonly document: { title?: string; properties?: object } }[];
}

interface TenantPack {
  readonly name: string;
  readonly version: string;
}

/** Packs of entities: what there is, what a tenant has, installing one. Upgrades are `bss rollout`. */
export function packCommand(): Command {
  return new Command('pack')
    .description('Packs of entities: list, show, install into a tenant')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(installCommand());
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'system_admin')
    .description('List the packs of the installation, or those a tenant has')
    .option('--tenant <id or slug>', 'what this tenant has, and in which version')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const client = await systemClient(options);
      if (options.tenant !== undefined) {
        const id = await findTenant(client, options.tenant);
        const { items } = await client.get<{ items: TenantPack[] }>(`/api/v1/tenants/${id}/packs`);
        const rows = items.map(({ name, version }) => [name, version]);
        process.stdout.write(options.json ? json(items) : textTable(['pack', 'version'], rows));
        return;
      }
      const { items } = await client.get<{ items: PackItem[] }>('/api/v1/packs');
      const rows = items.map(({ name, title, versions, entities }) => [name, versions.join(', '), entities.join(', '), title]);
      process.stdout.write(options.json ? json(items) : textTable(['pack', 'versions', 'entities', 'title'], rows));
    });
}

function showCommand(): Command {
  return speaksToService(new Command('show'), 'system_admin')
    .description('Show a version of a pack')
    .argument('<pack[@version]>', 'default: the newest version')
    .option('--json', 'as JSON, with the documents of its entities')
    .action(async (reference: string, options: ServiceOptions & { json?: boolean }) => {
      const client = await systemClient(options);
      const { pack, version } = readReference(reference);
      const wanted = version ?? (await newestOf(client, pack));
      const found = await client.get<PackVersion>(`/api/v1/packs/${encodeURIComponent(pack)}/${encodeURIComponent(wanted)}`);
      if (options.json) {
        process.stdout.write(json(found));
        return;
      }
      const rows = found.entities.map(({ name, document }) => [name, Object.keys(document.properties ?? {}).join(', ')]);
      process.stdout.write(`${found.name} ${found.version}: ${found.title}\n${found.description}\n\n`);
      process.stdout.write(textTable(['entity', 'properties'], rows));
    });
}

function installCommand(): Command {
  return speaksToService(new Command('install'), 'system_admin')
    .description('Install a pack into a tenant: all of its entities, or nothing')
    .argument('<pack[@version]>', 'default: the newest version')
    .requiredOption('--tenant <id or slug>', 'the tenant')
    .addHelpText(
      'after',
      '\nExample: bss pack install security --tenant acme\nAnother version of a pack comes with bss rollout start.',
    )
    .action(async (reference: string, options: ServiceOptions & { tenant: string }) => {
      const client = await systemClient(options);
      const id = await findTenant(client, options.tenant);
      const { name, version } = await client.post<TenantPack>(`/api/v1/tenants/${id}/packs`, readReference(reference));
      process.stdout.write(`${name} ${version} is installed in ${options.tenant}\n`);
    });
}

/** `security` or `security@1.0.0`. */
export function readReference(reference: string): { pack: string; version?: string } {
  const [pack = '', ...versions] = reference.split('@');
  return versions.length === 0 ? { pack } : { pack, version: versions.join('@') };
}

async function newestOf(client: { get<T>(path: string): Promise<T> }, pack: string): Promise<string> {
  const { items } = await client.get<{ items: PackItem[] }>('/api/v1/packs');
  const found = items.find(({ name }) => name === pack);
  if (found) return found.versions.at(-1) as string;
  throw new Error(`there is no pack ${JSON.stringify(pack)}; there are: ${items.map(({ name }) => name).join(', ')}`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

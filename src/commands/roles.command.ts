import { Command } from 'commander';
import { PERMISSION_COLUMNS, permissionTable } from '../access/permission-table.js';
import { counted } from '../platform/counted.js';
import { commaSeparated } from './comma-separated.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';
import { textTable } from './text-table.js';

interface RoleItem {
  readonly name: string;
  readonly description: string;
  readonly inherits: readonly string[];
  readonly permissions: readonly string[];
}

/** Roles of a tenant's own, and what roles may do at all. */
export function rolesCommand(): Command {
  return new Command('roles')
    .description('Roles that a tenant makes: list, set, delete; and what every role may do')
    .addCommand(listCommand())
    .addCommand(setCommand())
    .addCommand(deleteCommand())
    .addCommand(operationsCommand());
}

function listCommand(): Command {
  return speaksToService(new Command('list'), 'admin')
    .description('List the roles that the tenant has made')
    .option('--json', 'as JSON')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { client, base } = await tenantClient(options);
      const { items } = await client.get<{ items: RoleItem[] }>(`${base}/roles`);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(items, null, 2)}\n`);
        return;
      }
      const rows = items.map((role) => [role.name, role.inherits.join(','), role.permissions.join(','), role.description]);
      process.stdout.write(textTable(['name', 'inherits', 'permissions', 'description'], rows));
    });
}

interface SetOptions extends ServiceOptions {
  readonly inherits?: string[];
  readonly permissions?: string[];
  readonly description?: string;
}

function setCommand(): Command {
  return speaksToService(new Command('set'), 'admin')
    .description('Make a role, or replace what it permits by this')
    .argument('<name>', 'lower-case letters, digits, _ and -')
    .option('--inherits <roles>', 'comma-separated: viewer, editor, admin, auditor, service', commaSeparated)
    .option('--permissions <permissions>', 'comma-separated, such as records.read,records.update:Order', commaSeparated)
    .option('--description <text>', 'what it is for, as people read it')
    .action(async (name: string, { inherits, permissions, description, ...options }: SetOptions) => {
      const { client, base } = await tenantClient(options);
      const body = { description, inherits, permissions };
      const { status } = await client.call('PUT', `${base}/roles/${encodeURIComponent(name)}`, body);
      process.stdout.write(`role ${name} ${status === 201 ? 'made' : 'replaced'}\n`);
    });
}

function deleteCommand(): Command {
  return speaksToService(new Command('delete'), 'admin')
    .description('Delete roles: whoever has them loses what they permit, everywhere within five seconds')
    .argument('<name...>')
    .action(async (names: string[], options: ServiceOptions) => {
      const { client, base } = await tenantClient(options);
      for (const name of names) await client.call('DELETE', `${base}/roles/${encodeURIComponent(name)}`);
      process.stdout.write(`${counted(names.length, 'role')} deleted\n`);
    });
}

function operationsCommand(): Command {
  return new Command('operations')
    .description('List the operations, who may perform them, and whether a role of a tenant may hold them')
    .action(() => {
      process.stdout.write(textTable(PERMISSION_COLUMNS, permissionTable()));
    });
}

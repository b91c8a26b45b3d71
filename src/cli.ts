import { Command } from 'commander';
import { applyCommand } from './commands/apply.command.js';
import { auditCommand } from './commands/audit.command.js';
import { dataKeysCommand } from './commands/data-keys.command.js';
import { demoCommand } from './commands/demo.command.js';
import { exportCommand } from './commands/export.command.js';
import { grantsCommand } from './commands/grants.command.js';
import { importCommand } from './commands/import.command.js';
import { keysCommand } from './commands/keys.command.js';
import { migrateCommand } from './commands/migrate.command.js';
import { packCommand } from './commands/pack.command.js';
import { planCommand } from './commands/plan.command.js';
import { publishingCommand } from './commands/publishing.command.js';
import { queryCommand } from './commands/query.command.js';
import { rolesCommand } from './commands/roles.command.js';
import { rolloutCommand } from './commands/rollout.command.js';
import { settingsCommand } from './commands/settings.command.js';
import { tokenCommand } from './commands/token.command.js';
import { typesCommand } from './commands/types.command.js';
import { rollbackCommand, versionsCommand } from './commands/versions.command.js';
import { webhooksCommand } from './commands/webhooks.command.js';

/** `npm run -s bss -- <command>`. Answers go to stdout alone, faults to stderr with exit code 1. */
const program = new Command('bss')
  .description('Operate a Business Store')
  .showHelpAfterError()
  .addCommand(migrateCommand())
  .addCommand(tokenCommand())
  .addCommand(keysCommand())
  .addCommand(dataKeysCommand())
  .addCommand(grantsCommand())
  .addCommand(queryCommand())
  .addCommand(webhooksCommand())
  .addCommand(rolesCommand())
  .addCommand(demoCommand())
  .addCommand(settingsCommand())
  .addCommand(planCommand())
  .addCommand(applyCommand())
  .addCommand(versionsCommand())
  .addCommand(rollbackCommand())
  .addCommand(typesCommand())
  .addCommand(exportCommand())
  .addCommand(importCommand())
  .addCommand(auditCommand())
  .addCommand(publishingCommand())
  .addCommand(packCommand())
  .addCommand(rolloutCommand());

// A reader that has seen enough, such as head, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`bss: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

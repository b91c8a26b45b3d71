import { Command } from 'commander';
import { describeSettings } from '../platform/settings.js';

/** Prints every setting with its default, as in the README. */
export function settingsCommand(): Command {
  return new Command('settings').description('List every setting with its default').action(() => {
    for (const { name, default: value, description } of describeSettings()) {
      process.stdout.write(`${name}${value === '' ? '' : `=${value}`}\n    ${description}\n`);
    }
  });
}

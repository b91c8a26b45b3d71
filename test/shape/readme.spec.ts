import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/package-root.js';
import { describeSettings } from '../../src/platform/settings.js';

const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');

it('the README documents every setting, with its default and its description', () => {
  const rows = describeSettings().map(({ name, default: value, description }) => `| \`${name}\` | ${value} | ${description} |`);
  expect(readme).toContain(['| setting | default | |', '|---|---|---|', ...rows].join('\n'));
});

it('the README names every script it tells people to run', () => {
  const { scripts } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  const named = [...readme.matchAll(/npm (?:run (?:-s )?)?([a-z:]+)/g)].map(([, script]) => script as string);
  expect(named.filter((script) => !['ci', 'run'].includes(script) && !Object.hasOwn(scripts, script))).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PERMISSION_COLUMNS, permissionTable } from '../../src/access/permission-table.js';
import { packageRoot } from '../../src/platform/package-root.js';

/** The permission table is published where people look for it, and it is the one in force. */
it('the README has the permission table, operation by operation', () => {
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  const [, published] = /<!-- permissions -->\n([\s\S]*?)\n<!-- \/permissions -->/.exec(readme) ?? [];
  expect(published).toBe(inMarkdown());
});

/** @returns the block that belongs between the markers */
function inMarkdown(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rows = permissionTable().map(([operation, ...rest]) => line([`\`${operation}\``, ...rest]));
  return [line(PERMISSION_COLUMNS), `|${'---|'.repeat(PERMISSION_COLUMNS.length)}`, ...rows].join('\n');
}

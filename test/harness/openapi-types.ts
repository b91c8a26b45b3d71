import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';

const COMMAND = join(dirname(require.resolve('openapi-typescript/package.json')), 'bin/cli.js');

/** What `openapi-typescript` makes of an OpenAPI document, without any options. In a process of its own: jest cannot load it. */
export function openapiTypes(document: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [COMMAND], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`openapi-typescript: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.end(JSON.stringify(document));
  });
}

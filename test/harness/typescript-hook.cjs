/**
 * Lets plain Node `require` the TypeScript sources: jest's moduleNameMapper does not reach the global setup, and `dist`
 * may be stale. Compiles with the settings of .swcrc, and finds `./x.ts` where a source imports `./x.js`.
 */
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { transformSync } = require('@swc/core');

const sources = path.resolve(__dirname, '../..');
const resolveFilename = Module._resolveFilename;

Module._resolveFilename = function resolveTypeScript(request, parent, ...rest) {
  const from = parent?.filename ?? '';
  if (/^\.{1,2}\/.*\.js$/.test(request) && from.endsWith('.ts') && !from.includes(`${path.sep}node_modules${path.sep}`)) {
    const source = path.resolve(path.dirname(from), request.replace(/\.js$/, '.ts'));
    if (fs.existsSync(source)) return source;
  }
  return resolveFilename.call(this, request, parent, ...rest);
};

Module._extensions['.ts'] = function compileTypeScript(module, filename) {
  const { code } = transformSync(fs.readFileSync(filename, 'utf8'), {
    filename,
    cwd: sources,
    swcrc: true,
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};

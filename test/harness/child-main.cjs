/** Runs the service's own main from its sources, as a child of the tests; ends in good order when they are gone. */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume();
process.stdin.unref();
require('./typescript-hook.cjs');
require('../../src/main.ts');

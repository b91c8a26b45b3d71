/**
 * What an instance does for the chain, and nothing else, in a process that can be killed: settings as the service's. Starts in a third
 * of the time of a whole service, so that more of them die.
 */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume();
process.stdin.unref();
require('./typescript-hook.cjs');
const { Registry } = require('prom-client');
const { AuditChain } = require('../../src/audit/audit-chain.ts');
const { createLogger } = require('../../src/platform/log.ts');
const { parseContextKeys, readSettings } = require('../../src/platform/settings.ts');

const settings = readSettings(process.env);
AuditChain.open({
  settings,
  controlUrl: settings.DATABASE_CONTROL_URL,
  contextKeys: parseContextKeys(settings.CONTEXT_KEYS),
  logger: createLogger('silent'),
  metrics: new Registry(),
  onError: (error) => process.stderr.write(`${error.message}\n`),
}).then((chain) => {
  chain.start();
  // Keeps the process: the chain's own timers would let it go.
  setInterval(() => {}, 60_000);
  process.stdout.write('sealing\n');
});

import { createLogger } from './platform/log.js';
import { readSettings, SettingsFault } from './platform/settings.js';
import { startService } from './start.js';
import { welcome } from './welcome.js';

/** The HTTP service. Everything it needs comes from settings; without any it brings its own database and Auth Service. */
async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const logger = createLogger(settings.LOG_LEVEL);
  const service = await startService(settings, logger);
  logger.info({ url: service.url }, 'listening');
  if (!settings.DATABASE_URL) await welcome(service, settings);

  let signals = 0;
  const onSignal = (signal: string): void => {
    signals += 1;
    if (signals > 1) process.exit(1);
    logger.info({ signal }, 'shutting down: finishing requests in flight');
    service.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

main().catch((error: unknown) => {
  // To stderr and readable: whoever started the service must see why it did not start.
  process.stderr.write(`business-store did not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof SettingsFault ? 78 : 1);
});

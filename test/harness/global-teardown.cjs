/** Ends what global-setup.cjs started, and nothing else. */
module.exports = async function globalTeardown() {
  const cluster = globalThis.businessStoreTestCluster;
  if (cluster === undefined) return;
  globalThis.businessStoreTestCluster = undefined;
  // In watch mode the next setup would take the URL for one of yours.
  delete process.env.BSS_TEST_ADMIN_URL;
  delete process.env.BSS_TEST_DATA_DIR;
  await cluster.stop();
};

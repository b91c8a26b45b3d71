/**
 * Three projects: `unit` needs nothing; `e2e` and `kill` run on one Postgres cluster started once for the whole run. `kill` ends
 * the process at every statement of a schema change, which takes minutes: `npm run test:kill`.
 */
const shared = {
  transform: { '^.+\\.(t|j|mj)s$': '@swc/jest' },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transformIgnorePatterns: ['/node_modules/(?!(jose|@seriousme)/)'],
  testEnvironment: 'node',
};

const onPostgres = {
  ...shared,
  globalSetup: '<rootDir>/test/harness/global-setup.cjs',
  globalTeardown: '<rootDir>/test/harness/global-teardown.cjs',
};

module.exports = {
  maxWorkers: 2,
  workerIdleMemoryLimit: '768MB',
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/shape/**/*.spec.ts'] },
    { ...onPostgres, displayName: 'e2e', testMatch: ['<rootDir>/test/{api,isolation,migrations,fuzz}/**/*.spec.ts'] },
    { ...onPostgres, displayName: 'kill', testMatch: ['<rootDir>/test/kill/**/*.spec.ts'] },
  ],
};

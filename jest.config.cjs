/** Two projects: `unit` needs nothing; `e2e` runs on one Postgres cluster started once for the whole run. */
const shared = {
  transform: { '^.+\\.(t|j|mj)s$': '@swc/jest' },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transformIgnorePatterns: ['/node_modules/(?!(jose|@seriousme)/)'],
  testEnvironment: 'node',
};

module.exports = {
  maxWorkers: 2,
  workerIdleMemoryLimit: '768MB',
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/shape/**/*.spec.ts'] },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/{api,isolation,migrations,fuzz,kill}/**/*.spec.ts'],
      globalSetup: '<rootDir>/test/harness/global-setup.cjs',
      globalTeardown: '<rootDir>/test/harness/global-teardown.cjs',
    },
  ],
};

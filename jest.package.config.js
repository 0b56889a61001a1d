const { testPathIgnorePatterns: _ignored, ...common } = require('./jest.config.js');

/**
 * The library as it would be published, in new applications that install it: packed once for all files.
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...common,
  roots: ['<rootDir>/test/package'],
  globalSetup: '<rootDir>/test/package/global-setup.ts',
  globalTeardown: '<rootDir>/test/package/global-teardown.ts',
  testTimeout: 300_000,
};

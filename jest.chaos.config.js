const { testPathIgnorePatterns: _ignored, ...common } = require('./jest.config.js');

/**
 * The service and the simulated ComfyUI servers as processes that are killed, frozen, starved and cut off; from the build in
 * DIST_DIR (default: dist).
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...common,
  roots: ['<rootDir>/test/e2e/chaos'],
  testEnvironment: '<rootDir>/test/e2e/chaos/support/environment.ts',
  // Most tests wait for processes to start and for time-outs to pass.
  maxWorkers: 3,
  testTimeout: 300_000,
};

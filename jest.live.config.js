const { testMatch: _all, ...common } = require('./jest.config.js');

/**
 * The contract suite against a real ComfyUI: COMFYUI_BASE_URL, and COMFYUI_USERNAME and COMFYUI_PASSWORD if it asks.
 * One file at a time: the server's queue is shared, and so is what it keeps of the prompts before.
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...common,
  roots: ['<rootDir>/test/contract'],
  testMatch: ['**/*.spec.ts'],
  globalSetup: '<rootDir>/test/contract/support/probe-live-server.ts',
  maxWorkers: 1,
  testTimeout: 300_000,
};

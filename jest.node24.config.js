const { testMatch: _all, ...common } = require('./jest.config.js');

/**
 * What another version of Node may break: the HTTP interface of the service and of a host, and the packages with native code.
 * Everything else runs on Node 20 only.
 *
 * @type {import('jest').Config}
 */
module.exports = {
  ...common,
  testMatch: [
    '**/e2e/{answers,asset-*,assets,async,comfyui,docs,extension,fastify-host,generate,job-events,jobs,module}.e2e.spec.ts',
    '**/store/libsql*.spec.ts',
    '**/storage/local.spec.ts',
    '**/unit/infrastructure/sharp-images*.spec.ts',
  ],
};

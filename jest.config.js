const { availableParallelism } = require('node:os');

/** Nest 12 ships ES modules: they are transformed like our own sources, so that no vm-modules flag is needed. */
const esmPackages = [
  '@nestjs',
  'content-disposition',
  'file-type',
  'media-typer',
  'music-metadata',
  'strtok3',
  'token-types',
  'uint8array-extras',
  'uuid',
  'win-guid',
  '@tokenizer',
  '@borewit',
];

/** They export nothing to `require` but under Node's condition `module-sync`, which jest does not know. */
const importOnly = {
  '^file-type$': '<rootDir>/node_modules/file-type/index.js',
  '^music-metadata$': '<rootDir>/node_modules/music-metadata/lib/index.js',
};

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/live/',
    '<rootDir>/test/package/',
    '<rootDir>/test/e2e/chaos/',
  ],
  moduleNameMapper: importOnly,
  transform: { '^.+\\.[cm]?[jt]s$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`],
  // Most tests wait for something more than they work.
  maxWorkers: 2 * availableParallelism(),
  // What the files before left in a worker is collected again and again, in the middle of the tests of the next.
  workerIdleMemoryLimit: '400MB',
  testTimeout: 30_000,
};

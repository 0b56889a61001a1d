/** The dependency rule: domain <- application <- presentation, domain <- application <- infrastructure. */
const roots = '^src/(comfyui\\.module|comfyui\\.providers|app\\.module|service|microservice|main|index)\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      comment: 'The domain knows no framework, no I/O and no other ring.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '^node_modules/lossless-json/'] },
    },
    {
      name: 'application-knows-only-domain',
      severity: 'error',
      from: { path: '^src/application/' },
      to: {
        path: '^src/',
        pathNot: ['^src/(application|domain)/', '^src/comfyui\\.(options|module-definition)\\.ts$'],
      },
    },
    {
      name: 'application-does-no-io',
      severity: 'error',
      from: { path: '^src/application/' },
      to: { dependencyTypes: ['core'], pathNot: ['^(node:)?(crypto|events|stream|stream/consumers|timers/promises)$'] },
    },
    {
      name: 'faces-and-adapters-never-meet',
      severity: 'error',
      from: { path: '^src/(presentation|infrastructure)/', pathNot: roots },
      to: {
        path: '^src/',
        pathNot: [
          '^src/(application|domain)/',
          '^src/comfyui\\.(options|storage|module-definition)\\.ts$',
          '^src/(transport-options|option-error)\\.ts$',
          '^src/$1/',
        ],
      },
    },
    {
      name: 'one-face-not-another',
      comment: 'What faces share stands beside them, and knows none.',
      severity: 'error',
      from: { path: '^src/presentation/([^/]+)' },
      to: { path: '^src/presentation/(http|rpc)/', pathNot: '^src/presentation/$1/' },
    },
    {
      name: 'client-knows-only-the-wire',
      severity: 'error',
      from: { path: '^src/client/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/(client|domain)/',
          '^src/(transport-options|option-error)\\.ts$',
          '^src/presentation/rpc/(messages|patterns|transport/(connection-options|transport-logger|fault-text))\\.ts$',
          '^src/presentation/.*\\.dto\\.ts$',
        ],
      },
    },
    {
      name: 'one-adapter-not-another',
      severity: 'error',
      from: { path: '^src/infrastructure/([^/]+)/' },
      to: { path: '^src/infrastructure/([^/]+)/', pathNot: '^src/infrastructure/$1/' },
    },
    {
      name: 'simulator-stands-alone',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { path: '^src/', pathNot: '^src/simulator/' },
    },
    {
      name: 'nobody-needs-the-simulator',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(simulator/|demo)' },
      to: { path: '^src/simulator/' },
    },
    {
      name: 'only-roots-see-all-rings',
      severity: 'error',
      from: { path: '^src/', pathNot: [roots, '^src/(infrastructure|presentation|client)/'] },
      to: { path: '^src/(infrastructure|presentation)/' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};

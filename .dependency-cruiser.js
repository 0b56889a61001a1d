/**
 * The dependency rule: domain <- application <- presentation and domain <- application <- infrastructure. `options` and
 * `shared` may be used by every ring and use only themselves. `module` and `service` join the rings.
 */
const roots = '^src/(module/|service/|main\\.ts$|index\\.ts$|presentation/rpc/microservice\\.ts$)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      comment: 'The domain has no framework, no I/O and no other ring; of the shared parts, JSON and text.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '^src/shared/(json|text)\\.ts$'] },
    },
    {
      name: 'shared-has-no-domain',
      severity: 'error',
      from: { path: '^src/shared/' },
      to: { path: '^src/', pathNot: '^src/shared/' },
    },
    {
      name: 'options-use-only-shared',
      severity: 'error',
      from: { path: '^src/options/' },
      to: { path: '^src/', pathNot: '^src/(options|shared)/' },
    },
    {
      name: 'application-uses-only-domain',
      severity: 'error',
      from: { path: '^src/application/' },
      to: { path: '^src/', pathNot: '^src/(application|domain|options|shared)/' },
    },
    {
      name: 'application-does-no-io',
      severity: 'error',
      from: { path: '^src/application/' },
      to: { dependencyTypes: ['core'], pathNot: ['^(node:)?(crypto|events|stream|stream/consumers|timers/promises)$'] },
    },
    {
      name: 'no-file-in-the-root-of-application',
      severity: 'error',
      from: { path: '^src/application/[^/]+\\.ts$' },
      to: {},
    },
    {
      name: 'apis-and-adapters-never-meet',
      severity: 'error',
      from: { path: '^src/(presentation|infrastructure)/', pathNot: roots },
      to: { path: '^src/', pathNot: ['^src/(application|domain|options|shared)/', '^src/$1/'] },
    },
    {
      name: 'one-api-not-another',
      severity: 'error',
      from: { path: '^src/presentation/([^/]+)/' },
      to: { path: '^src/presentation/([^/]+)/', pathNot: '^src/presentation/($1|shared)/' },
    },
    {
      name: 'one-adapter-not-another',
      severity: 'error',
      from: { path: '^src/infrastructure/([^/]+)/' },
      to: { path: '^src/infrastructure/([^/]+)/', pathNot: '^src/infrastructure/$1/' },
    },
    {
      name: 'client-uses-only-the-messages',
      severity: 'error',
      from: { path: '^src/client/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/(client|domain|options|shared)/',
          '^src/presentation/rpc/(messages|patterns|transport/(connection-options|transport-logger|fault-text))\\.ts$',
          '^src/presentation/.*\\.dto\\.ts$',
        ],
      },
    },
    {
      name: 'simulator-stands-alone',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { path: '^src/', pathNot: '^src/simulator/' },
    },
    {
      name: 'only-the-demo-uses-the-simulator',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(simulator|demo)/' },
      to: { path: '^src/simulator/' },
    },
    {
      name: 'only-roots-see-all-rings',
      severity: 'error',
      from: { path: '^src/', pathNot: [roots, '^src/(infrastructure|presentation|client|demo)/'] },
      to: { path: '^src/(infrastructure|presentation)/' },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};

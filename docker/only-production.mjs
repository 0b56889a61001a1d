// Leaves in package.json what the service runs on: the library's optional peers are its dependencies. `npm prune` does the rest.
import { readFileSync, writeFileSync } from 'node:fs';

const { devDependencies, peerDependencies, ...kept } = JSON.parse(readFileSync('package.json', 'utf8'));
const peers = Object.entries(devDependencies).filter(([name]) => name in peerDependencies);
const development = Object.entries(devDependencies).filter(([name]) => !(name in peerDependencies));
const service = {
  ...kept,
  dependencies: { ...kept.dependencies, ...Object.fromEntries(peers) },
  devDependencies: Object.fromEntries(development),
  peerDependenciesMeta: undefined,
};
writeFileSync('package.json', `${JSON.stringify(service, null, 2)}\n`);

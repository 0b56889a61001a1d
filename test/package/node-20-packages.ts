import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from './packed';

/** The newest versions whose every dependency declares Node 20, where that of our lock file does not. */
const FOR_NODE_20: Readonly<Record<string, string>> = {
  '@fastify/static': '10.1.3',
  '@nestjs/platform-fastify': '12.1.1',
};
/** No version of it suits both Nest 12 and Node 20 by what it declares. Only the standalone service logs with it. */
const NOT_FOR_NODE_20 = new Set(['nestjs-pino']);

/** What an application on Node 20 has to pin: every `@nestjs/common` 12 names a `file-type` 22, for Node 22. */
export const NODE_20_PINS = { 'file-type': '21.3.4' };

/** The peers, the other platform and what compiles an application. */
export async function node20Packages(): Promise<string[]> {
  const { peerDependencies } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as {
    peerDependencies: Readonly<Record<string, string>>;
  };
  const names = [...Object.keys(peerDependencies), '@nestjs/platform-express', 'typescript', '@types/node'];
  return names
    .filter((name) => !NOT_FOR_NODE_20.has(name))
    .map((name) => (name in FOR_NODE_20 ? `${name}@${FOR_NODE_20[name]}` : name));
}

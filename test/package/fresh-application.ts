import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packed, REPOSITORY, temporaryFolder } from './packed';
import { run } from './processes';

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
}

const NPM_INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
const YARN_ADD = ['add', '--prefer-offline', '--non-interactive', '--ignore-scripts', '--no-lockfile'];

/** A new folder with a Nest application's package.json and nothing of this repository in it. */
export class FreshApplication {
  private constructor(readonly folder: string) {}

  static async create(manifest: object = {}): Promise<FreshApplication> {
    const app = new FreshApplication(await temporaryFolder());
    await writeFile(join(app.folder, 'package.json'), JSON.stringify({ name: 'fresh', private: true, ...manifest }));
    return app;
  }

  static async install(packages: readonly string[]): Promise<FreshApplication> {
    const app = await FreshApplication.create();
    await app.npmInstall(packages);
    return app;
  }

  /** Our packed package, and `packages`: those without a version in the one this repository was tested with. */
  async npmInstall(packages: readonly string[], ...options: string[]): Promise<void> {
    const exact = await withVersions(packages);
    await this.run('npm', [...NPM_INSTALL, '--prefix', this.folder, ...options, packed().tarball, ...exact]);
  }

  /** The same by yarn classic, whose script is named; returns its output. */
  async yarnAdd(yarn: string, packages: readonly string[]): Promise<string> {
    return this.run('node', [yarn, ...YARN_ADD, packed().tarball, ...(await withVersions(packages))]);
  }

  /** Compiles a copy of the source file into `dist/`, by the library example's own compiler options. */
  async compile(source: string): Promise<void> {
    const tsconfig = JSON.parse(await readFile(join(REPOSITORY, 'examples/library/tsconfig.json'), 'utf8')) as object;
    const strict = { ...tsconfig, include: [basename(source)] };
    await copyFile(join(REPOSITORY, source), join(this.folder, basename(source)));
    await writeFile(join(this.folder, 'tsconfig.json'), JSON.stringify(strict));
    await this.run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.json']);
  }

  run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    return run(command, args, { cwd: this.folder, env });
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function withVersions(packages: readonly string[]): Promise<string[]> {
  const { packages: locked } = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as Lockfile;
  return packages.map((name) =>
    name.indexOf('@', 1) > 0 ? name : `${name}@${locked[`node_modules/${name}`]!.version}`,
  );
}

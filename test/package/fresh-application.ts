import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packed, REPOSITORY, temporaryFolder } from './packed';
import { run } from './processes';

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
}

/** A new folder with a Nest application's package.json and nothing of this repository in it. */
export class FreshApplication {
  private constructor(readonly folder: string) {}

  /** Our packed package, and `packages` in the versions this repository was tested with. */
  static async install(packages: readonly string[]): Promise<FreshApplication> {
    const app = new FreshApplication(await temporaryFolder());
    await writeFile(join(app.folder, 'package.json'), JSON.stringify({ name: 'fresh', private: true }));
    const { packages: locked } = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as Lockfile;
    const exact = packages.map((name) => `${name}@${locked[`node_modules/${name}`]!.version}`);
    const install = ['install', '--prefix', app.folder, '--prefer-offline', '--no-audit'];
    await app.run('npm', [...install, packed().tarball, ...exact]);
    return app;
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

import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from './processes';

export const REPOSITORY = join(__dirname, '../..');

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
}

/** Packs this package as `npm publish` would. Returns the path of the tarball and the paths of the files in it. */
export async function pack(folder: string): Promise<{ tarball: string; files: string[] }> {
  const output = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: REPOSITORY });
  // The build that runs before writes to the same stream.
  const [packed] = JSON.parse(output.slice(output.search(/^\[/m))) as { filename: string; files: { path: string }[] }[];
  return { tarball: join(folder, packed!.filename), files: packed!.files.map(({ path }) => path) };
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'nestjs-comfyui-package-'));
}

/** A new folder with a Nest application's package.json and nothing of this repository in it. */
export class FreshApplication {
  private constructor(readonly folder: string) {}

  /** `packages` are installed in the versions this repository was tested with. */
  static async install(tarball: string, packages: readonly string[]): Promise<FreshApplication> {
    const app = new FreshApplication(await temporaryFolder());
    await writeFile(join(app.folder, 'package.json'), JSON.stringify({ name: 'fresh', private: true }));
    const { packages: locked } = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as Lockfile;
    const exact = packages.map((name) => `${name}@${locked[`node_modules/${name}`]!.version}`);
    await app.run('npm', ['install', '--prefix', app.folder, '--prefer-offline', '--no-audit', tarball, ...exact]);
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

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './processes';

export const REPOSITORY = join(__dirname, '../..');

/** This package as `npm publish` would pack it. */
export interface Packed {
  readonly tarball: string;
  /** The paths in it. */
  readonly files: readonly string[];
}

/** Where the processes of the tests find it. */
const VARIABLE = 'TEST_PACKED';

/** The build it begins with clears `dist`: it is done once, before all tests. */
export async function pack(): Promise<void> {
  const folder = await temporaryFolder();
  const output = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: REPOSITORY });
  // The build that runs before writes to the same stream.
  const [made] = JSON.parse(output.slice(output.search(/^\[/m))) as { filename: string; files: { path: string }[] }[];
  const files = made!.files.map(({ path }) => path);
  process.env[VARIABLE] = JSON.stringify({ tarball: join(folder, made!.filename), files } satisfies Packed);
}

export function packed(): Packed {
  return JSON.parse(process.env[VARIABLE] ?? '') as Packed;
}

export async function removePacked(): Promise<void> {
  await rm(join(packed().tarball, '..'), { recursive: true, force: true });
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'nestjs-comfyui-package-'));
}

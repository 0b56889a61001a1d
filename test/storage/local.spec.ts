import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { readlinkSync } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { localStorage } from '../../src/infrastructure/storage/local/local-storage';
import { eventually } from '../support/eventually';
import { describeAssetStorage } from './asset-storage.contract';
import { broughtBy, bytesOf, fileOf, NEVER, randomFile } from './files';
import { inFolder } from './places';

describeAssetStorage('a folder', inFolder);

describe('a folder for files', () => {
  let place: Awaited<ReturnType<typeof inFolder>>;

  beforeEach(async () => {
    place = await inFolder();
  });

  afterEach(() => place.remove());

  const pathOf = (sha256: string) => join(place.directory, sha256.slice(0, 2), sha256);
  const partialUploads = () => readdir(join(place.directory, 'incoming'));

  it('keeps each file under its hash, and nobody else can read it', async () => {
    const file = randomFile(10);
    await place.storage.put(file, NEVER);
    const path = pathOf(file.sha256);
    expect((await readFile(path)).equals(file.bytes)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const folder of ['', 'incoming', file.sha256.slice(0, 2), join(path, '..')]) {
      const at = folder.startsWith('/') ? folder : join(place.directory, folder);
      expect((await stat(at)).mode & 0o777).toBe(0o700);
    }
  });

  it('that can not be made is named', async () => {
    const directory = join(place.directory, '..', 'file', 'below');
    await writeFile(join(directory, '..'), '');
    await expect(localStorage({ directory }).check(NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: `The folder for files is not there, or no folder (ENOTDIR). It is ${directory}.`,
    });
  });

  it('has no way out by a symbolic link', async () => {
    await place.storage.check(NEVER);
    const outside = join(place.directory, '..', 'outside');
    const file = fileOf(Buffer.from('precious'));
    await mkdir(outside);
    await writeFile(join(outside, file.sha256), 'PRECIOUS');
    await symlink(outside, join(place.directory, file.sha256.slice(0, 2)));
    const refusal = { code: 'storage_failed', message: expect.stringContaining('symbolic link') };
    await expect(place.storage.open(file.sha256, { signal: NEVER })).rejects.toMatchObject(refusal);
    await expect(place.storage.remove(file.sha256, NEVER)).rejects.toMatchObject(refusal);
    await rm(join(outside, file.sha256));
    await expect(place.storage.put(file, NEVER)).rejects.toMatchObject(refusal);
    expect(await readdir(outside)).toEqual([]);
    expect(await partialUploads()).toEqual([]);
  });

  it('follows no link in the place of a file', async () => {
    const file = randomFile(10);
    await place.storage.put(file, NEVER);
    await rm(pathOf(file.sha256));
    await symlink('/etc/passwd', pathOf(file.sha256));
    const message = expect.stringContaining('symbolic link');
    await expect(place.storage.open(file.sha256, { signal: NEVER })).rejects.toMatchObject({ message });
    await place.storage.put(file, NEVER);
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  describe('a file that is on a disk already', () => {
    const never = () => {
      throw new Error('It need not be read.');
    };

    async function onDisk(directory: string, size: number) {
      const { bytes, ...file } = randomFile(size);
      const path = join(await mkdtemp(join(directory, 'elsewhere-')), 'file');
      await writeFile(path, bytes);
      return { bytes, file: { ...file, path } };
    }

    it('gets another name when it is the same disk, and stays when the first is gone', async () => {
      const { bytes, file } = await onDisk(join(place.directory, '..'), 3_000_000);
      await place.storage.put({ ...file, open: never }, NEVER);
      await rm(file.path);
      expect((await bytesOf(place.storage, file.sha256)).bytes.equals(bytes)).toBe(true);
      expect(await partialUploads()).toEqual([]);
    });

    it('is read when it has another size, is gone, or on another disk', async () => {
      const { bytes, file } = await onDisk(join(place.directory, '..'), 3_000_000);
      await writeFile(file.path, 'short');
      await place.storage.put(file, NEVER);
      expect((await bytesOf(place.storage, file.sha256)).bytes.equals(bytes)).toBe(true);
      const gone = await onDisk(join(place.directory, '..'), 3_000_000);
      await rm(gone.file.path);
      await place.storage.put(gone.file, NEVER);
      const far = await onDisk('/dev/shm', 3_000_000);
      await place.storage.put(far.file, NEVER);
      await rm(join(far.file.path, '..'), { recursive: true });
      for (const { file: each, bytes: wanted } of [gone, far])
        expect((await bytesOf(place.storage, each.sha256)).bytes.equals(wanted)).toBe(true);
      expect(await partialUploads()).toEqual([]);
    });
  });

  describe('the names of its files last, for it syncs', () => {
    it('the folder of a file, and where that is new the folder above, before a file counts as stored', async () => {
      const file = randomFile(10);
      const synced = await syncedDuring(() => place.storage.put(file, NEVER));
      expect(synced).toEqual(new Set([await realpath(place.directory), dirname(pathOf(file.sha256))]));
    });

    it('also the folder above one that somebody else has just made', async () => {
      const file = randomFile(10);
      await place.storage.check(NEVER);
      await mkdir(dirname(pathOf(file.sha256)), { mode: 0o700 });
      const synced = await syncedDuring(() => place.storage.put(file, NEVER));
      expect(synced).toContain(await realpath(place.directory));
    });

    it('the folder of a file that only gets a second name', async () => {
      const { bytes, ...file } = randomFile(3_000_000);
      const path = join(place.directory, '..', 'elsewhere');
      await writeFile(path, bytes);
      const synced = await syncedDuring(() => place.storage.put({ ...file, path }, NEVER));
      expect(synced).toContain(dirname(pathOf(file.sha256)));
    });
  });

  it('minds no system that closes files only with an error: they are on the disk', async () => {
    const { closeSync } = fs;
    const close = jest.spyOn(fs, 'closeSync').mockImplementation((file) => {
      closeSync(file);
      throw Object.assign(new Error('close'), { code: 'EIO' });
    });
    const file = randomFile(1000);
    try {
      await place.storage.put(file, NEVER);
      expect(close).toHaveBeenCalledTimes(3);
    } finally {
      close.mockRestore();
    }
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('puts a file right that was cut short', async () => {
    const file = randomFile(1000);
    await place.storage.put(file, NEVER);
    await writeFile(pathOf(file.sha256), 'short');
    await place.storage.put(file, NEVER);
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('is rid of what a killed process left, at the next start', async () => {
    const other = start('hang');
    expect(await other.told).toEqual({ isUnderWay: true });
    await eventually(async () => expect(await partialUploads()).toHaveLength(1));
    other.child.kill('SIGKILL');
    await other.gone;
    const shared = localStorage({ directory: place.directory });
    await shared.check(NEVER);
    expect(await partialUploads()).toHaveLength(1);
    await localStorage({ directory: place.directory, isOwn: true }).check(NEVER);
    expect(await partialUploads()).toEqual([]);
  });

  it('that is shared is rid of it a day later', async () => {
    await place.storage.check(NEVER);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    for (const name of ['old', 'new']) await writeFile(join(place.directory, 'incoming', name), 'half');
    await utimes(join(place.directory, 'incoming', 'old'), yesterday, yesterday);
    await place.storage.check(NEVER);
    expect(await partialUploads()).toEqual(['new']);
  });

  it('without room refuses the file, whole', async () => {
    const other = start('put', 1_000);
    expect(await other.told).toEqual({
      code: 'storage_failed',
      message: `The folder for files may not hold a file as large as this one (EFBIG). It is ${place.directory}.`,
    });
    await other.gone;
    expect(await place.kept()).toEqual([]);
    expect(await place.partialUploads()).toBe(0);
  });

  it('is not held open, whether it could be stored or not', async () => {
    await place.storage.check(NEVER);
    const [good, barred, broken] = [randomFile(10), randomFile(10), randomFile(10)];
    await writeFile(join(place.directory, barred.sha256.slice(0, 2)), '');
    await place.storage.put(good, NEVER);
    await expect(place.storage.put(barred, NEVER)).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(place.storage.put(broughtBy(broken, failing), NEVER)).rejects.toMatchObject({ message: 'It broke.' });
    await eventually(async () => expect(await openedIn(place.directory)).toEqual([]), 1_000);
    expect(await partialUploads()).toEqual([]);
  });

  /** @param largestFile in KiB; the system refuses to let any file grow beyond it */
  function start(mode: 'put' | 'hang', largestFile?: number) {
    const hook = join(__dirname, '..', 'support', 'typescript.cjs');
    const node = [process.execPath, '-r', hook, join(__dirname, 'other-process.ts'), mode, place.directory];
    const limit = largestFile === undefined ? '' : `ulimit -f ${largestFile}; `;
    const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    const told = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(String(line)) as unknown);
    return { child, told, gone: once(child, 'close') };
  }
});

async function* failing(): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.from('half');
  await setTimeout(50);
  throw new Error('It broke.');
}

/** What this process holds open of a folder. */
async function openedIn(directory: string): Promise<string[]> {
  const handles = await readdir('/proc/self/fd');
  const paths = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(directory));
}

/** What was synced to the disk by then, of all that this process did. */
async function syncedDuring(act: () => Promise<void>): Promise<Set<string>> {
  const synced = new Set<string>();
  const { fsync } = fs;
  const watch = jest.spyOn(fs, 'fsync').mockImplementation((file, done) => {
    const path = readlinkSync(`/proc/self/fd/${file}`);
    fsync(file, (error) => {
      synced.add(path);
      done(error);
    });
  });
  try {
    await act();
    return new Set(synced);
  } finally {
    watch.mockRestore();
  }
}

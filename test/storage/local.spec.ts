import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
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
import { withSource, bytesOf, fileOf, NEVER, randomFile } from './files';
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

  it('keeps each file under its hash, readable only by its owner', async () => {
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

  it('is named in the error if it cannot be created', async () => {
    const directory = join(place.directory, '..', 'file', 'below');
    await writeFile(join(directory, '..'), '');
    await expect(localStorage({ directory }).check(NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: `The folder for files does not exist, or is not a folder (ENOTDIR). It is ${directory}.`,
    });
  });

  it('refuses symbolic links that lead out of it', async () => {
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

  it('refuses a symbolic link in place of a file', async () => {
    const file = randomFile(10);
    await place.storage.put(file, NEVER);
    await rm(pathOf(file.sha256));
    await symlink('/etc/passwd', pathOf(file.sha256));
    const message = expect.stringContaining('symbolic link');
    await expect(place.storage.open(file.sha256, { signal: NEVER })).rejects.toMatchObject({ message });
    await place.storage.put(file, NEVER);
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  describe('a file that is on disk already', () => {
    const refuseRead = () => {
      throw new Error('It must not be read.');
    };

    async function onDisk(directory: string, size: number) {
      const { bytes, ...file } = randomFile(size);
      const path = join(await mkdtemp(join(directory, 'elsewhere-')), 'file');
      await writeFile(path, bytes);
      return { bytes, file: { ...file, path } };
    }

    it('is hard-linked on the same disk, and survives the removal of its first name', async () => {
      const { bytes, file } = await onDisk(join(place.directory, '..'), 3_000_000);
      await place.storage.put({ ...file, open: refuseRead }, NEVER);
      await rm(file.path);
      expect((await bytesOf(place.storage, file.sha256)).bytes.equals(bytes)).toBe(true);
      expect(await partialUploads()).toEqual([]);
    });

    it('is read if it has another size, does not exist, or is on another disk', async () => {
      const { bytes, file } = await onDisk(join(place.directory, '..'), 3_000_000);
      await writeFile(file.path, 'short');
      await place.storage.put(file, NEVER);
      expect((await bytesOf(place.storage, file.sha256)).bytes.equals(bytes)).toBe(true);
      const removed = await onDisk(join(place.directory, '..'), 3_000_000);
      await rm(removed.file.path);
      await place.storage.put(removed.file, NEVER);
      const onOtherDisk = await onDisk('/dev/shm', 3_000_000);
      await place.storage.put(onOtherDisk.file, NEVER);
      await rm(join(onOtherDisk.file.path, '..'), { recursive: true });
      for (const { file: each, bytes: expected } of [removed, onOtherDisk])
        expect((await bytesOf(place.storage, each.sha256)).bytes.equals(expected)).toBe(true);
      expect(await partialUploads()).toEqual([]);
    });
  });

  describe('makes the names of its files durable by a sync of', () => {
    it('the folder of a file, and its parent if the folder is new, before the put resolves', async () => {
      const file = randomFile(10);
      const synced = await syncedDuring(() => place.storage.put(file, NEVER));
      expect(synced).toEqual(new Set([await realpath(place.directory), dirname(pathOf(file.sha256))]));
    });

    it('the parent of a folder that another process has created', async () => {
      const file = randomFile(10);
      await place.storage.check(NEVER);
      await mkdir(dirname(pathOf(file.sha256)), { mode: 0o700 });
      const synced = await syncedDuring(() => place.storage.put(file, NEVER));
      expect(synced).toContain(await realpath(place.directory));
    });

    it('the folder of a hard-linked file', async () => {
      const { bytes, ...file } = randomFile(3_000_000);
      const path = join(place.directory, '..', 'elsewhere');
      await writeFile(path, bytes);
      const synced = await syncedDuring(() => place.storage.put({ ...file, path }, NEVER));
      expect(synced).toContain(dirname(pathOf(file.sha256)));
    });
  });

  it('ignores errors of close, because the files are synced before', async () => {
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

  it('replaces a truncated file', async () => {
    const file = randomFile(1000);
    await place.storage.put(file, NEVER);
    await writeFile(pathOf(file.sha256), 'short');
    await place.storage.put(file, NEVER);
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('removes the partial uploads of a killed process at the next start', async () => {
    const other = start('hang');
    expect(await other.report).toEqual({ isUnderWay: true });
    await eventually(async () => expect(await partialUploads()).toHaveLength(1));
    other.child.kill('SIGKILL');
    await other.closed;
    const shared = localStorage({ directory: place.directory });
    await shared.check(NEVER);
    expect(await partialUploads()).toHaveLength(1);
    await localStorage({ directory: place.directory, isOwn: true }).check(NEVER);
    expect(await partialUploads()).toEqual([]);
  });

  it('that is shared removes them a day later', async () => {
    await place.storage.check(NEVER);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    for (const name of ['old', 'new']) await writeFile(join(place.directory, 'incoming', name), 'partial');
    await utimes(join(place.directory, 'incoming', 'old'), yesterday, yesterday);
    await place.storage.check(NEVER);
    expect(await partialUploads()).toEqual(['new']);
  });

  it('without space refuses the file and leaves nothing', async () => {
    const other = start('put', 1_000);
    expect(await other.report).toEqual({
      code: 'storage_failed',
      message: `The folder for files cannot hold a file of this size (EFBIG). It is ${place.directory}.`,
    });
    await other.closed;
    expect(await place.kept()).toEqual([]);
    expect(await place.partialUploads()).toBe(0);
  });

  it('leaves no open files after a put, successful or not', async () => {
    await place.storage.check(NEVER);
    const [good, blocked, broken] = [randomFile(10), randomFile(10), randomFile(10)];
    await writeFile(join(place.directory, blocked.sha256.slice(0, 2)), '');
    await place.storage.put(good, NEVER);
    await expect(place.storage.put(blocked, NEVER)).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(place.storage.put(withSource(broken, failing), NEVER)).rejects.toMatchObject({ message: 'It broke.' });
    await eventually(async () => expect(await openFilesIn(place.directory)).toEqual([]), 1_000);
    expect(await partialUploads()).toEqual([]);
  });

  it('writes a file in memory with O_DSYNC', async () => {
    await place.storage.check(NEVER);
    const flags = await writeFlagsDuring(place.directory, () => place.storage.put(randomFile(100_000), NEVER));
    expect([...flags]).toEqual([constants.O_DSYNC]);
  });

  /** @param maxFileSize KiB, the file size limit of the process */
  function start(mode: 'put' | 'hang', maxFileSize?: number) {
    const hook = join(__dirname, '..', 'support', 'typescript.cjs');
    const node = [process.execPath, '-r', hook, join(__dirname, 'other-process.ts'), mode, place.directory];
    const limit = maxFileSize === undefined ? '' : `ulimit -f ${maxFileSize}; `;
    const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    const report = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(String(line)) as unknown);
    return { child, report, closed: once(child, 'close') };
  }
});

async function* failing(): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.from('partial');
  await setTimeout(50);
  throw new Error('It broke.');
}

/** The paths in a folder that this process has open. */
async function openFilesIn(directory: string): Promise<string[]> {
  const handles = await readdir('/proc/self/fd');
  const paths = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(directory));
}

/** The O_DSYNC flags of the files in a folder that this process opens for writing during the operation. */
async function writeFlagsDuring(directory: string, operation: () => Promise<void>): Promise<Set<number>> {
  const found = new Set<number>();
  let isOver = false;
  const look = () => {
    for (const handle of readdirSync('/proc/self/fd')) {
      const flags = flagsOf(handle, directory);
      if (flags !== undefined && (flags & constants.O_WRONLY) !== 0) found.add(flags & constants.O_DSYNC);
    }
    // Once per turn of the event loop: a file stays open from the turn that opened it to a later one.
    if (!isOver) setImmediate(look);
  };
  look();
  await operation().finally(() => (isOver = true));
  return found;
}

/** @returns undefined if the handle is not of a file in the folder */
function flagsOf(handle: string, directory: string): number | undefined {
  try {
    if (!readlinkSync(`/proc/self/fd/${handle}`).startsWith(directory)) return undefined;
    const [, flags = ''] = /^flags:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${handle}`, 'utf8')) ?? [];
    return Number.parseInt(flags, 8);
  } catch {
    return undefined;
  }
}

/** The paths that this process has synced when the operation resolves. */
async function syncedDuring(operation: () => Promise<void>): Promise<Set<string>> {
  const synced = new Set<string>();
  const { fsync } = fs;
  const spy = jest.spyOn(fs, 'fsync').mockImplementation((file, done) => {
    const path = readlinkSync(`/proc/self/fd/${file}`);
    fsync(file, (error) => {
      synced.add(path);
      done(error);
    });
  });
  try {
    await operation();
    return new Set(synced);
  } finally {
    spy.mockRestore();
  }
}

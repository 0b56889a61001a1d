import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createHash, randomBytes } from 'node:crypto';
import { TempFiles } from '../../../src/shared/temp-files/temp-files';

const MIB = 1024 * 1024;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-spec-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function inChunks(bytes: Buffer, size = 64 * 1024): Readable {
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  return Readable.from(chunks);
}

async function filesOnDisk(): Promise<number> {
  return (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
}

describe.each([
  ['nothing', 0, 0],
  ['a small file', 100_000, 0],
  ['a file that is too large for memory', 5 * MIB, 1],
])('%s', (_what, size, onDisk) => {
  it('returns the same bytes on every read', async () => {
    const tempFiles = new TempFiles({ directory, memory: 32 * MIB });
    const bytes = randomBytes(size);
    const file = await tempFiles.write(inChunks(bytes));
    expect(file.sizeBytes).toBe(size);
    expect(file.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect((await buffer(file.open())).equals(bytes)).toBe(true);
    expect((await buffer(file.open())).equals(bytes)).toBe(true);
    expect(file.head.subarray(0, 1000).equals(bytes.subarray(0, 1000))).toBe(true);
    expect(await filesOnDisk()).toBe(onDisk);
    await file.discard();
    expect(await filesOnDisk()).toBe(0);
  });
});

it('uses a known hash instead of computing it', async () => {
  const tempFiles = new TempFiles({ directory, memory: 32 * MIB });
  const sha256 = 'ab'.repeat(32);
  for (const size of [100, 3 * MIB])
    expect(await tempFiles.write(inChunks(randomBytes(size)), size, sha256)).toMatchObject({ sha256, sizeBytes: size });
});

describe.each([
  ['in memory', 300_000],
  ['on disk', 3 * MIB],
])('a range of a file %s', (_where, size) => {
  const bytes = randomBytes(size);

  it.each([
    ['at the start', 0, 10],
    ['across two chunks', 65_530, 12],
    ['across several chunks', 1000, 200_000],
    ['at the end', size - 10, 10],
    ['that is empty', 5, 0],
    ['that extends beyond the end', size - 10, 1000],
    ['that starts at the end', size, 10],
    ['that starts beyond the end', size + 10, 10],
  ])('is read %s', async (_what, position, length) => {
    const file = await new TempFiles({ directory, memory: 32 * MIB }).write(inChunks(bytes));
    const piece = await file.read(position, length);
    expect(piece.equals(bytes.subarray(position, position + length))).toBe(true);
  });
});

it('a discarded file on disk cannot be read', async () => {
  const file = await new TempFiles({ directory, memory: 0 }).write(inChunks(randomBytes(1000)));
  await file.discard();
  await expect(file.read(0, 10)).rejects.toThrow('ENOENT');
});

describe('memory', () => {
  it('is shared by all files: a file that does not fit goes to disk, with its head', async () => {
    const tempFiles = new TempFiles({ directory, memory: 3 * MIB });
    const bytes = randomBytes(2 * MIB);
    const first = await tempFiles.write(inChunks(bytes));
    expect(await filesOnDisk()).toBe(0);
    const second = await tempFiles.write(inChunks(bytes));
    expect(await filesOnDisk()).toBe(1);
    expect((await buffer(second.open())).equals(bytes)).toBe(true);
    await first.discard();
    await tempFiles.write(inChunks(bytes));
    expect(await filesOnDisk()).toBe(1);
  });

  it('keeps the head of a file that goes to disk with its first byte', async () => {
    const file = await new TempFiles({ directory, memory: 0 }).write(inChunks(Buffer.alloc(200_000, 'x'), 1000));
    expect(file.head).toHaveLength(64 * 1024);
    expect(file.head.every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
  });

  it('is released if the source of a file fails', async () => {
    const tempFiles = new TempFiles({ directory, memory: 2 * MIB });
    const broken = Readable.from(
      (async function* () {
        yield randomBytes(MIB);
        throw new Error('broke off');
      })(),
    );
    await expect(tempFiles.write(broken)).rejects.toThrow('broke off');
    await tempFiles.write(inChunks(randomBytes(2 * MIB)));
    expect(await filesOnDisk()).toBe(0);
  });
});

it('leaves nothing on disk if the source of a file fails', async () => {
  const broken = Readable.from(
    (async function* () {
      yield randomBytes(1000);
      throw new Error('broke off');
    })(),
  );
  await expect(new TempFiles({ directory, memory: 0 }).write(broken)).rejects.toThrow('broke off');
  expect(await filesOnDisk()).toBe(0);
});

it('removes its directory when the application stops', async () => {
  const tempFiles = new TempFiles({ directory: join(directory, 'new', 'folder'), memory: 0 });
  await tempFiles.write(inChunks(randomBytes(10)));
  expect(await filesOnDisk()).toBe(1);
  await tempFiles.onApplicationShutdown();
  expect(await readdir(join(directory, 'new', 'folder'))).toEqual([]);
  expect(existsSync(join(directory, 'new', 'folder'))).toBe(true);
});

it('empties a directory of its own at the start, which a killed process may have left', async () => {
  const tempFiles = new TempFiles({ directory, memory: 0 });
  await tempFiles.write(inChunks(randomBytes(MIB)));
  const shared = new TempFiles({ directory, memory: 0 });
  await shared.onModuleInit();
  expect(await filesOnDisk()).toBe(1);
  const next = new TempFiles({ directory, isOwn: true, memory: 0 });
  await next.onModuleInit();
  expect(existsSync(directory)).toBe(false);
  await next.write(inChunks(randomBytes(MIB)));
  expect(await filesOnDisk()).toBe(1);
});

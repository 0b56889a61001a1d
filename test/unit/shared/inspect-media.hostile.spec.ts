import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { inspectMedia } from '../../../src/shared/media/inspect-media';
import { FileOnDisk } from '../../../src/shared/temp-files/stored-temp-files';
import * as make from '../../support/media-files';
import { CountingFile } from '../../support/spooled';

const MIB = 1024 * 1024;
const LONGEST_MS = 50;
const LOOKS = 10;
const HINTS = ['a.png', 'a.obj', 'a.mp4', 'a'].map((filename) => ({ filename, declared: 'image/png' }));
const MAGIC = [
  '\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
  '\xff\xd8\xff\xe0',
  'RIFF\x10\0\0\0WEBPVP8X',
  'RIFF\x10\0\0\0WAVEfmt ',
  'GIF89a',
  '\0\0\0\x18ftypavif\0\0\0\0mif1avif',
  '\0\0\0\x18ftypheic\0\0\0\0mif1heic',
  '\0\0\0\x14ftypisom\0\0\0\0isom\xff\xff\xff\xffmoov',
  'II*\0',
  'MM\0*',
  'BM',
  '\0\0\x01\0',
  '8BPS\0\x01',
  '\x1aE\xdf\xa3\x84webm\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff',
  'OggS\0\x02',
  'fLaC',
  'ID3\x04\0\0',
  '\xff\xfb\x90',
  '\xff\xf1\x50',
  'glTF',
  'PK\x03\x04',
  '\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c',
  '\0\0\0\x0cJXL \r\n\x87\n',
  '\0\0\0\x0cjP  ',
  '\x1f\x8b\x08\0',
  '<!--',
  '{"a":',
  '<?xml ',
  '\xff\xfe',
  '',
];

/** The same numbers in every run, so that a failure can be reproduced. */
function numbers(seed: string): (below: number) => number {
  let pool = Buffer.alloc(0);
  let at = 0;
  let round = 0;
  return (below) => {
    if (at + 4 > pool.length) {
      pool = createHash('sha512').update(`${seed}${round++}`).digest();
      at = 0;
    }
    at += 4;
    return pool.readUInt32BE(at - 4) % below;
  };
}

function garbage(random: (below: number) => number, length: number): Buffer {
  const unit = Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256)));
  return Buffer.alloc(length, random(4) === 0 ? 0 : unit);
}

/** The files that took too long, in base64. */
async function slow(files: Iterable<Buffer>): Promise<string[]> {
  const found: string[] = [];
  let turn = 0;
  for (const bytes of files) {
    const hint = HINTS[turn++ % HINTS.length] ?? { filename: '' };
    const facts = await inspectMedia(new CountingFile(bytes), hint);
    expect(facts.mediaType).toMatch(/^[\w.+-]+\/[\w.+-]+$/);
    if (await isSlow(bytes, hint)) found.push(bytes.subarray(0, 4096).toString('base64'));
  }
  return found;
}

/** A slow file is slow at each look; a garbage collection or a pause of the machine passes. */
async function isSlow(bytes: Buffer, hint: { filename: string }): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    if ((await millisecondsOf(bytes, hint)) <= LONGEST_MS) return false;
    await setTimeout(look * LONGEST_MS);
  }
  return true;
}

async function millisecondsOf(bytes: Buffer, hint: { filename: string }): Promise<number> {
  const before = process.cpuUsage();
  await inspectMedia(new CountingFile(bytes), hint);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function* afterMagic(count: number): Iterable<Buffer> {
  const random = numbers('magic');
  const lengths = [0, 1, 8, 30, 300, 5_000, 70_000];
  for (let i = 0; i < count; i++) {
    const magic = Buffer.from(MAGIC[i % MAGIC.length] ?? '', 'latin1');
    yield Buffer.concat([magic, garbage(random, lengths[random(lengths.length)] ?? 0)]);
  }
}

function* broken(bytes: Buffer, count: number): Iterable<Buffer> {
  const random = numbers('broken');
  for (let i = 0; i < count; i++) {
    const copy = Buffer.from(bytes.subarray(0, random(3) === 0 ? random(bytes.length) : bytes.length));
    for (let change = 0; change <= i % 8; change++) {
      const at = random(Math.max(1, Math.min(copy.length, 600)));
      if (at + 4 <= copy.length)
        copy.writeUInt32BE([0, 1, 8, 0x7fffffff, 0xffffffff, random(2 ** 32)][random(6)] ?? 0, at);
    }
    yield copy;
  }
}

it('garbage after the first bytes of a known kind neither throws nor holds up', async () => {
  expect(await slow(afterMagic(3000))).toEqual([]);
});

describe('a broken file neither throws nor holds up', () => {
  it.each([
    ['MP4', make.mp4({ seconds: 2, width: 640, height: 360 })],
    ['WebM', make.matroska({ seconds: 2, width: 640, height: 360 })],
    ['MP4 in fragments', make.fragmentedMp4({ width: 640, height: 360 })],
    ['WAV', make.wav(1)],
    ['AIFF', make.aiff(1)],
    ['FLAC', make.flac(1)],
    ['Ogg', make.opus(1)],
    ['MP3', make.mp3(50)],
    ['AAC', make.adts(50)],
    ['ZIP', make.zip('a.usdc', Buffer.alloc(10))],
  ])('%s', async (_name, bytes) => {
    expect(await slow(broken(bytes, 300))).toEqual([]);
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const)('%s', async (format) => {
    const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: 'red' } });
    const bytes = await picture.toFormat(format).toBuffer();
    expect(await slow(broken(bytes, 300))).toEqual([]);
  });
});

/** Each box holds all that follow. */
function nested(outer: string, inner: string, depth: number): Buffer {
  const headers = Array.from({ length: depth }, (_, index) =>
    Buffer.concat([make.be32(8 * (depth - index)), Buffer.from(index === 0 ? outer : inner)]),
  );
  return Buffer.concat(headers);
}

function endlessRun(): Buffer {
  const bytes = make.fragmentedMp4({ width: 8, height: 8 });
  bytes.writeUInt32BE(0xffffffff, bytes.lastIndexOf('trun') + 8);
  return bytes;
}

function endlessFragments(): Buffer {
  const bytes = make.fragmentedMp4({ width: 8, height: 8 });
  return Buffer.concat([bytes, Buffer.alloc(MIB, bytes.subarray(bytes.indexOf('moof') - 4))]);
}

describe('a file made to hold up a reader does not', () => {
  const empty = make.box('free');
  it.each([
    ['boxes without end', Buffer.concat([make.fileType(), ...Array.from({ length: 100_000 }, () => empty)])],
    ['boxes of nothing', Buffer.concat([make.fileType(), Buffer.alloc(MIB)])],
    ['a box of its own header', Buffer.concat([make.fileType(), make.be32(1), Buffer.from('moov'), make.be32(0, 0)])],
    [
      'a table of four milliard samples',
      make.mp4({ seconds: 1, width: 8, height: 8, samples: [make.box('stz2', make.be32(0, 0, 0xffffffff))] }),
    ],
    ['a run of four milliard samples', endlessRun()],
    ['fragments without end', endlessFragments()],
    ['a box in a box without end', Buffer.concat([make.fileType(), nested('moov', 'trak', 20_000)])],
    [
      'elements in elements without end',
      Buffer.concat([
        make.matroska({ seconds: 1, width: 8, height: 8 }),
        Buffer.alloc(MIB, Buffer.from('1654ae6b01ffffffffffffff', 'hex')),
      ]),
    ],
    ['a tag longer than its file', Buffer.concat([Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7f', 'latin1'), make.mp3(50)])],
    ['frames of nothing', Buffer.alloc(MIB, Buffer.from('fff15080001ffc', 'hex'))],
    [
      'blocks of a FLAC without end',
      Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(MIB, Buffer.from([1, 0, 0, 0]))]),
    ],
    ['chunks of an AIFF without end', Buffer.concat([make.aiff(0).subarray(0, 12), Buffer.alloc(MIB, 'aaaa\0\0\0\0')])],
    [
      'many tracks',
      Buffer.concat([
        make.fileType(),
        make.box('moov', ...Array.from({ length: 50_000 }, () => make.box('trak', empty))),
      ]),
    ],
    [
      'elements without end',
      Buffer.concat([Buffer.from('1a45dfa38081', 'hex'), Buffer.alloc(MIB, Buffer.from('ec80', 'hex'))]),
    ],
    ['chunks without end', Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), Buffer.alloc(MIB, 'aaaa\0\0\0\0')])],
    ['syncs without end', Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1'), Buffer.alloc(MIB, 0xff)])],
    [
      'a zero-sized picture property',
      Buffer.concat([make.fileType('avif'), make.be32(0), Buffer.from('meta'), Buffer.alloc(60_000)]),
    ],
    ['no segment of a JPEG', Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(MIB)])],
    ['fill of a JPEG', Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(MIB, 0xff)])],
    ['segments of a JPEG without end', Buffer.alloc(MIB, Buffer.from('ffd8ffe00000', 'hex'))],
    ['boxes of a picture without end', Buffer.concat([make.fileType('heic'), Buffer.alloc(MIB, empty)])],
    ['boxes of a picture in a box', Buffer.concat([make.fileType('avif'), make.box('meta', Buffer.alloc(MIB, empty))])],
    ['icons without end', Buffer.concat([Buffer.from('00000100ffff', 'hex'), Buffer.alloc(MIB)])],
    ['chunks of a WebP', Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPVP8 '), Buffer.alloc(MIB)])],
    ['open brackets', Buffer.alloc(60_000, '[')],
    ['open objects', Buffer.alloc(60_000, '{"a":')],
    ['open comments', Buffer.alloc(60_000, '<!--')],
    ['short comments', Buffer.alloc(60_000, '<!---->')],
    ['instructions', Buffer.alloc(60_000, '<?a?>')],
    ['space in a tag', Buffer.concat([Buffer.from('<a'), Buffer.alloc(60_000, ' ')])],
    ['space after a solid', Buffer.concat([Buffer.from('solid\n'), Buffer.alloc(60_000, '\n')])],
    ['escapes in a string', Buffer.concat([Buffer.from('{"'), Buffer.alloc(90_000, '\\\\')])],
    ['digits', Buffer.concat([Buffer.from('['), Buffer.alloc(90_000, '1')])],
  ])('%s', async (_name, bytes) => {
    expect(await slow([bytes])).toEqual([]);
  });
});

describe('a film of 2 GiB', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'inspect-media-spec-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function sparse(pieces: readonly (readonly [position: number, bytes: Buffer])[]): Promise<FileOnDisk> {
    const path = join(directory, 'film');
    const file = await open(path, 'w+');
    for (const [position, bytes] of pieces) await file.write(bytes, 0, bytes.length, position);
    const { size } = await file.stat();
    const { buffer: head } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, 0);
    await file.close();
    return new FileOnDisk(path, size, '', head);
  }

  it('with its index at the end takes no memory', async () => {
    const size = 2 * 1024 * MIB;
    const start = Buffer.concat([make.fileType(), make.be32(size), Buffer.from('mdat')]);
    const index = make.movieBox({ seconds: 3600, width: 1920, height: 1080 });
    const file = await sparse([
      [0, start],
      [start.length - 8 + size, index],
    ]);
    const before = process.memoryUsage().rss;
    const facts = await inspectMedia(file, { filename: 'film.mp4' });
    expect(facts).toEqual({ mediaType: 'video/mp4', width: 1920, height: 1080, durationSeconds: 3600 });
    expect(process.memoryUsage().rss - before).toBeLessThan(20 * MIB);
  });

  it('that was discarded is known by its head', async () => {
    const file = await sparse([
      [0, Buffer.concat([make.fileType(), make.be32(MIB), Buffer.from('mdat')])],
      [2 * MIB, Buffer.alloc(1)],
    ]);
    await file.discard();
    expect(await inspectMedia(file, { filename: 'a' })).toMatchObject({
      mediaType: 'video/mp4',
      durationSeconds: null,
    });
  });
});

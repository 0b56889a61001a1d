import { inspectMedia } from '../../../src/shared/media/inspect-media';
import type { MediaFacts } from '../../../src/shared/media/media-facts';
import * as make from '../../support/media-files';
import { tempFile, CountingFile } from '../../support/spooled';

async function factsOf(bytes: Buffer, filename = 'file', declared?: string): Promise<MediaFacts> {
  return inspectMedia(await tempFile(bytes), { filename, declared });
}

describe('film', () => {
  const film = { seconds: 2.5, width: 640, height: 360 };

  it.each([
    ['MP4', make.mp4(film), 'video/mp4'],
    ['QuickTime', make.mp4({ ...film, brand: 'qt  ' }), 'video/quicktime'],
    ['WebM', make.matroska(film), 'video/webm'],
    ['Matroska', make.matroska({ ...film, docType: 'matroska' }), 'video/matroska'],
  ])('%s has a size and a duration', async (_name, bytes, mediaType) => {
    expect(await factsOf(bytes, 'a.png', 'image/png')).toEqual({
      mediaType,
      width: 640,
      height: 360,
      durationSeconds: 2.5,
    });
  });

  it('in fragments is as long as these are together', async () => {
    expect(await factsOf(make.fragmentedMp4({ width: 640, height: 360 }))).toEqual({
      mediaType: 'video/mp4',
      width: 640,
      height: 360,
      durationSeconds: 2,
    });
  });

  it('in more fragments than may be read has a size and no duration', async () => {
    const bytes = make.fragmentedMp4({ width: 640, height: 360 });
    const fragments = bytes.subarray(bytes.indexOf('moof') - 4);
    const facts = await factsOf(Buffer.concat([bytes, ...Array.from({ length: 2000 }, () => fragments)]));
    expect(facts).toEqual({ mediaType: 'video/mp4', width: 640, height: 360, durationSeconds: null });
  });

  it('with its index at the end is read there', async () => {
    const data = make.box('mdat', Buffer.alloc(3_000_000));
    const file = new CountingFile(Buffer.concat([make.fileType(), data, make.movieBox(film)]));
    expect(await inspectMedia(file, { filename: 'a' })).toMatchObject({ width: 640, durationSeconds: 2.5 });
    expect(file.reads).toBeLessThan(3);
  });

  it('with a 64 bit size is followed', async () => {
    const long = Buffer.concat([make.be32(1), Buffer.from('mdat'), make.be32(0, 16 + 100_000), Buffer.alloc(100_000)]);
    const facts = await factsOf(Buffer.concat([make.fileType(), long, make.movieBox(film)]));
    expect(facts).toMatchObject({ height: 360, durationSeconds: 2.5 });
  });

  it('of a stream, with elements of unknown size, has a size and no duration', async () => {
    const bytes = make.matroska({ ...film, seconds: 0 });
    Buffer.from('01ffffffffffffff', 'hex').copy(bytes, bytes.indexOf('18538067', 0, 'hex') + 4);
    expect(await factsOf(bytes)).toEqual({ mediaType: 'video/webm', width: 640, height: 360, durationSeconds: null });
  });

  it('without its index is known, but not how long it is', async () => {
    const facts = await factsOf(make.mp4(film).subarray(0, 60));
    expect(facts).toEqual({ mediaType: 'video/mp4', width: null, height: null, durationSeconds: null });
  });

  it.each([
    [make.mp4({ seconds: 3 }), 'audio/mp4'],
    [make.mp4({ seconds: 3, brand: 'M4A ' }), 'audio/mp4'],
    [make.matroska({ seconds: 3 }), 'audio/webm'],
  ])('without a picture is sound (%#)', async (bytes, mediaType) => {
    expect(await factsOf(bytes)).toEqual({ mediaType, width: null, height: null, durationSeconds: 3 });
  });
});

describe('sound', () => {
  it.each([
    ['WAV', make.wav(2), 'audio/wav', 2],
    ['AIFF', make.aiff(3), 'audio/aiff', 3],
    ['FLAC', make.flac(5), 'audio/flac', 5],
    ['Opus', make.opus(4), 'audio/ogg', 4],
    ['MP3', make.mp3(100), 'audio/mpeg', (100 * 1152) / 44_100],
    ['AAC', make.adts(100), 'audio/aac', (100 * 1024) / 44_100],
  ])('%s has a duration', async (_name, bytes, mediaType, durationSeconds) => {
    const facts = await factsOf(bytes, 'a.html', 'text/html');
    expect(facts).toMatchObject({ mediaType, width: null, height: null });
    expect(facts.durationSeconds).toBeCloseTo(durationSeconds, 1);
  });

  it('MP3 of a variable bit rate has it in its first frame, after a tag with a cover', async () => {
    const bytes = make.mp3(10);
    Buffer.concat([Buffer.from('Xing'), make.be32(3, 1000, bytes.length)]).copy(bytes, 36);
    const tag = Buffer.concat([Buffer.from('ID3\x04\0\0'), Buffer.from([0, 8, 0, 0]), Buffer.alloc(8 * 128 * 128)]);
    const facts = await factsOf(Buffer.concat([tag, bytes]));
    expect(facts.mediaType).toBe('audio/mpeg');
    expect(facts.durationSeconds).toBeCloseTo((1000 * 1152) / 44_100);
  });

  it('of frames that no header counts is measured by the first ones', async () => {
    const file = new CountingFile(make.adts(50_000));
    const { durationSeconds } = await inspectMedia(file, { filename: 'a' });
    expect(durationSeconds).toBeGreaterThan(0.99 * ((50_000 * 1024) / 44_100));
    expect(durationSeconds).toBeLessThan(1.01 * ((50_000 * 1024) / 44_100));
    expect(file.reads).toBeLessThan(65);
  });

  it('Ogg is read at its end', async () => {
    const bytes = make.opus(4);
    const last = bytes.lastIndexOf('OggS');
    const pages = Buffer.alloc(1_000_000, bytes.subarray(bytes.indexOf('OggS', 1), last));
    const file = new CountingFile(Buffer.concat([bytes.subarray(0, last), pages, bytes.subarray(last)]));
    expect(await inspectMedia(file, { filename: 'a' })).toMatchObject({ mediaType: 'audio/ogg', durationSeconds: 4 });
    expect(file.reads).toBe(1);
  });

  it('WAV from a pipe goes to the end of the file', async () => {
    const bytes = make.wav(2);
    bytes.writeUInt32LE(0xffffffff, 40);
    expect(await factsOf(bytes)).toMatchObject({ mediaType: 'audio/wav', durationSeconds: 2 });
    bytes.write('RF64');
    expect(await factsOf(bytes)).toMatchObject({ mediaType: 'audio/wav', durationSeconds: 2 });
  });

  it('is not what only begins like a frame of it', async () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0]), Buffer.alloc(3000)]);
    expect(await factsOf(bytes, 'a.mp3')).toMatchObject({ mediaType: 'application/octet-stream' });
  });
});

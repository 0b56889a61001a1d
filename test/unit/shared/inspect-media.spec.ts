import sharp from 'sharp';
import { inspectMedia } from '../../../src/shared/media/inspect-media';
import type { MediaFacts } from '../../../src/shared/media/media-facts';
import * as make from '../../support/media-files';
import { tempFile, CountingFile } from '../../support/spooled';

async function factsOf(bytes: Buffer | string, filename = 'file', declared?: string): Promise<MediaFacts> {
  return inspectMedia(await tempFile(Buffer.from(bytes)), { filename, declared });
}

async function typeOf(bytes: Buffer | string, filename?: string, declared?: string): Promise<string> {
  return (await factsOf(bytes, filename, declared)).mediaType;
}

function picture(width = 64, height = 48, background = 'red'): sharp.Sharp {
  return sharp({ create: { width, height, channels: 3, background } });
}

function noise(width: number, height: number): sharp.Sharp {
  const noisy = { type: 'gaussian' as const, mean: 128, sigma: 30 };
  return sharp({ create: { width, height, channels: 3, background: 'red', noise: noisy } });
}

async function frames(): Promise<sharp.Sharp> {
  const pages = await Promise.all(['red', 'blue'].map((color) => picture(64, 48, color).png().toBuffer()));
  return sharp(pages, { join: { animated: true } });
}

/** A chunk after the header of a PNG. */
function withChunk(png: Buffer, type: string, data: Buffer): Buffer {
  const chunk = Buffer.concat([make.be32(data.length), Buffer.from(type), data, make.be32(0)]);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

/** A segment after the first two bytes of a JPEG. */
function withSegment(jpeg: Buffer, data: Buffer): Buffer {
  const size = make.be32(data.length + 2).subarray(2);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1]), size, data, jpeg.subarray(2)]);
}

describe('a picture', () => {
  it.each([
    ['png', 'image/png'],
    ['jpeg', 'image/jpeg'],
    ['jpeg', 'image/jpeg', { progressive: true }],
    ['webp', 'image/webp'],
    ['gif', 'image/gif'],
    ['avif', 'image/avif'],
    ['tiff', 'image/tiff'],
  ] as const)('%s is known by its bytes, with its size', async (format, mediaType, how: object = {}) => {
    const facts = await factsOf(await picture().toFormat(format, how).toBuffer(), 'movie.mp4', 'video/mp4');
    expect(facts).toMatchObject({ mediaType, width: 64, height: 48, durationSeconds: null });
    expect(facts.isAnimated ?? false).toBe(false);
  });

  it('of a large TIFF has its directory at the end', async () => {
    const bytes = await noise(1000, 800).tiff({ compression: 'none' }).toBuffer();
    expect(bytes.length).toBeGreaterThan(1_000_000);
    expect(await factsOf(bytes)).toMatchObject({ mediaType: 'image/tiff', width: 1000, height: 800 });
  });

  it('BMP is known by more than its two letters', async () => {
    const bytes = Buffer.concat([Buffer.from('BM'), make.le32(70, 0, 54, 40, 64, 48, 0x00180001), Buffer.alloc(40)]);
    expect(await factsOf(bytes)).toMatchObject({ mediaType: 'image/bmp', width: 64, height: 48 });
    expect(await typeOf(Buffer.concat([Buffer.from('BM'), Buffer.alloc(100)]))).toBe('application/octet-stream');
  });

  it.each(['webp', 'gif'] as const)('%s with several frames is animated', async (format) => {
    const facts = await factsOf(await (await frames()).toFormat(format).toBuffer());
    expect(facts).toMatchObject({ mediaType: `image/${format}`, width: 64, height: 48, isAnimated: true });
  });

  it('PNG with several frames is APNG', async () => {
    const png = withChunk(await picture().png().toBuffer(), 'acTL', make.be32(2, 0));
    expect(await factsOf(png)).toMatchObject({ mediaType: 'image/apng', width: 64, height: 48, isAnimated: true });
  });

  it('HEIC is distinguished from AVIF; its size is that of the whole, not of a tile', async () => {
    const size = (width: number, height: number): Buffer => make.box('ispe', make.be32(0, width, height));
    const sizes = make.box('ipco', size(512, 512), size(4032, 3024));
    const heic = [make.fileType('heic'), make.box('meta', make.be32(0), make.box('iprp', sizes)), Buffer.alloc(64)];
    expect(await factsOf(Buffer.concat(heic))).toMatchObject({ mediaType: 'image/heic', width: 4032, height: 3024 });
  });

  it('with a long workflow before its pixels is still that picture', async () => {
    const png = withChunk(await picture().png().toBuffer(), 'tEXt', Buffer.alloc(300_000, 'a'));
    expect(await factsOf(png)).toMatchObject({ mediaType: 'image/png', width: 64, height: 48 });
    let jpeg: Buffer = await picture().jpeg().toBuffer();
    for (let i = 0; i < 3; i++) jpeg = withSegment(jpeg, Buffer.alloc(60_000, 'a'));
    const filled = Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(7, 0xff), jpeg.subarray(2)]);
    for (const bytes of [jpeg, filled])
      expect(await factsOf(bytes)).toMatchObject({ mediaType: 'image/jpeg', width: 64, height: 48 });
  });

  it.each(['png', 'jpeg', 'webp'] as const)('%s needs no more than the head', async (format) => {
    const file = new CountingFile(await noise(512, 512).toFormat(format, { quality: 100 }).toBuffer());
    expect(file.sizeBytes).toBeGreaterThan(file.head.length);
    expect(await inspectMedia(file, { filename: 'a' })).toMatchObject({ width: 512, height: 512 });
    expect(file.reads).toBe(0);
  });

  it('AVIF lies anywhere in the memory of a chunk', async () => {
    const avif = await picture().avif().toBuffer();
    const head = Buffer.concat([Buffer.alloc(1000, 1), avif]).subarray(1000);
    expect(await inspectMedia(new CountingFile(head), { filename: 'a' })).toMatchObject({ width: 64, height: 48 });
  });

  it('cut short keeps its type and has no size', async () => {
    const png = await picture().png().toBuffer();
    expect(await factsOf(png.subarray(0, 12))).toMatchObject({ mediaType: 'image/png', width: null, height: null });
  });
});

describe('models and data', () => {
  it.each([
    ['glTF', make.glb(), 'model/gltf-binary'],
    ['STL', make.binaryStl(), 'model/stl'],
    ['STL that begins like a BMP', Buffer.concat([Buffer.from('BM'), make.binaryStl().subarray(2)]), 'model/stl'],
    ['PLY', Buffer.concat([Buffer.from('ply\nformat binary_little_endian 1.0\n'), Buffer.alloc(40)]), 'model/ply'],
    ['USDZ', make.zip('scene.usdc', Buffer.from('PXR-USDC')), 'model/vnd.usdz+zip'],
    ['ZIP', make.zip('read.me', Buffer.from('text')), 'application/zip'],
    ['a latent', make.safetensors(), 'application/x-safetensors'],
    ['EXR', Buffer.concat([Buffer.from('v/1\x01\x02'), Buffer.alloc(20)]), 'image/x-exr'],
    ['zeros', Buffer.alloc(100), 'application/octet-stream'],
    ['nothing', Buffer.alloc(0), 'application/octet-stream'],
  ])('%s is known whatever it is called', async (_name, bytes, mediaType) => {
    expect(await factsOf(bytes, 'a.png', 'image/png')).toEqual({
      mediaType,
      width: null,
      height: null,
      durationSeconds: null,
    });
  });

  it('safetensors whose header length looks like a font is no font', async () => {
    const header = Buffer.from('{"a":{}}'.padEnd(256));
    expect(await typeOf(Buffer.concat([make.le32(256, 0), header]))).toBe('application/x-safetensors');
  });
});

describe('text', () => {
  it.each([
    ['hello', 'a.txt', 'text/plain'],
    ['BMW is a car, and GIF89a a format', 'a.bmp', 'text/plain'],
    ['v 1 2 3\nf 1 2 3\n', 'mesh.obj', 'model/obj'],
    ['1\n00:00:01,000 --> 00:00:02,000\nHi', 'a.srt', 'application/x-subrip'],
    ['a,b\n1,2\n', 'a.CSV', 'text/csv'],
    ['ünïcödé', 'a.md', 'text/markdown'],
    ['alert(1)', 'a.js', 'text/plain'],
    ['solid cube\n  facet normal 0 0 1\n', 'a', 'model/stl'],
    ['WEBVTT\n\n00:01.000 --> 00:02.000\nHi', 'a', 'text/vtt'],
    ['{"a": [1, 2]}', 'a.txt', 'application/json'],
    [' [1, 2]\n', 'a', 'application/json'],
    ['{"asset": {"version": "2.0"}}', 'a.gltf', 'model/gltf+json'],
    ['{not json}', 'a.json', 'text/plain'],
    ['[1] A footnote', 'a', 'text/plain'],
    ['<?xml version="1.0"?><note/>', 'a', 'application/xml'],
    ['1 < 2', 'a.html', 'text/plain'],
  ])('%j of %s is %s', async (text, filename, mediaType) => {
    expect(await typeOf(text, filename)).toBe(mediaType);
  });

  it('is of a kind that the server names, if it can be', async () => {
    expect(await typeOf('a,b', 'result', 'text/csv; charset=utf-8')).toBe('text/csv');
    expect(await typeOf('a,b', 'result', 'image/png')).toBe('text/plain');
    expect(await typeOf('a,b', 'result', 'text/html')).toBe('text/plain');
  });

  it('may be cut within a character by the end of the head', async () => {
    expect(await typeOf(`a${'ü'.repeat(100_000)}`)).toBe('text/plain');
  });

  it('may be JSON that is longer than the head', async () => {
    expect(await typeOf(JSON.stringify({ a: 'x'.repeat(200_000) }))).toBe('application/json');
    expect(await typeOf(JSON.stringify({ b: 1, a: 'x'.repeat(200_000) }))).toBe('application/json');
  });

  it('with a control character is none', async () => {
    expect(await typeOf('hello\0world', 'a.txt', 'text/plain')).toBe('application/octet-stream');
  });

  it('may be UTF-16', async () => {
    expect(await typeOf(Buffer.from('\ufeffhello', 'utf16le'))).toBe('text/plain');
    expect(await typeOf(Buffer.from('\ufeff<html>', 'utf16le'))).toBe('text/html');
  });
});

describe('markup', () => {
  it.each([
    ['<!DOCTYPE html><p>', 'text/html'],
    ['  \n\t<HTML lang="en">', 'text/html'],
    ['\ufeff<!-- hi --> <script>alert(1)</script>', 'text/html'],
    ['<!-- a comment that never ends', 'text/html'],
    ['<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'text/html'],
    ['<x xmlns:h="http://www.w3.org/1999/xhtml"><h:script/></x>', 'text/html'],
    ['<html>\0\x01</html>', 'text/html'],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml'],
    ['\ufeff<?xml version="1.0"?>\n<!-- Inkscape -->\n<svg>', 'image/svg+xml'],
    ['<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "a"><svg/>', 'image/svg+xml'],
    ['<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', 'image/svg+xml'],
  ])('%j is %s whatever it is called', async (text, mediaType) => {
    expect(await typeOf(text, 'a.png', 'image/png')).toBe(mediaType);
    expect(await typeOf(text, 'a.txt', 'text/plain')).toBe(mediaType);
  });

  it('is not what a picture becomes by its name', async () => {
    const png = await picture().png().toBuffer();
    expect(await typeOf(png, 'a.html', 'text/html')).toBe('image/png');
    expect(await typeOf(Buffer.concat([png, Buffer.from('<script>')]), 'a.svg')).toBe('image/png');
  });
});

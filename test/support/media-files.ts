/** Small valid files of the kinds that sharp does not make. Lengths in seconds. */

export function be32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
}

export function le32(...values: number[]): Buffer {
  return be32(...values).swap32();
}

function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

export function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([be32(8 + body.length), text(type), body]);
}

export interface Movie {
  readonly seconds: number;
  readonly brand?: string;
  readonly width?: number;
  readonly height?: number;
  /** More boxes of the sample table. */
  readonly samples?: readonly Buffer[];
}

const MOVIE_UNITS = 1000;
const IDENTITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

export function fileType(brand = 'isom'): Buffer {
  return box('ftyp', text(brand), be32(512), text(brand), text('isom'));
}

/** One track: of pictures when it has a width, else of sound. */
export function movieBox({ seconds, width = 0, height = 0, samples = [] }: Movie): Buffer {
  const length = seconds * MOVIE_UNITS;
  const mvhd = box(
    'mvhd',
    be32(0, 0, 0, MOVIE_UNITS, length, 0x10000, 0x1000000, 0, 0, ...IDENTITY, 0, 0, 0, 0, 0, 0, 2),
  );
  const tkhd = box('tkhd', be32(7, 0, 0, 1, 0, length, 0, 0, 0, 0, ...IDENTITY, width << 16, height << 16));
  const mdhd = box('mdhd', be32(0, 0, 0, MOVIE_UNITS, length, 0x55c40000));
  const hdlr = box('hdlr', be32(0, 0), text(width > 0 ? 'vide' : 'soun'), Buffer.alloc(13));
  const entry = width > 0 ? pictureEntry(width, height) : soundEntry();
  const stbl = box('stbl', box('stsd', be32(0, 1), entry), ...samples);
  return box('moov', mvhd, box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', stbl))));
}

function pictureEntry(width: number, height: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(width, 0);
  size.writeUInt16BE(height, 2);
  return box('avc1', be32(0, 1), Buffer.alloc(16), size, Buffer.alloc(50));
}

function soundEntry(): Buffer {
  return box('mp4a', be32(0, 1, 0, 0, 0x00020010, 0, 44_100 << 16));
}

/** Two fragments of a second each in half seconds: one by the default of the track, one by the sample. Only pictures. */
export function fragmentedMp4({ width, height }: { readonly width: number; readonly height: number }): Buffer {
  const moov = movieBox({ seconds: 0, width, height });
  const mvex = box('mvex', box('trex', be32(0, 1, 1, MOVIE_UNITS / 2, 0, 0)));
  const size = be32(moov.length + mvex.length);
  return Buffer.concat([
    fileType('iso5'),
    size,
    moov.subarray(4),
    mvex,
    fragment(be32(0, 2)),
    fragment(be32(0x301, 2, 0, MOVIE_UNITS / 2, 8, MOVIE_UNITS / 2, 8)),
  ]);
}

function fragment(run: Buffer): Buffer {
  const traf = box('traf', box('tfhd', be32(0x20000, 1)), box('trun', run));
  return Buffer.concat([box('moof', box('mfhd', be32(0, 1)), traf), box('mdat', Buffer.alloc(16))]);
}

export function mp4(movie: Movie): Buffer {
  return Buffer.concat([fileType(movie.brand), movieBox(movie), box('mdat', Buffer.alloc(64, 0x80))]);
}

export function wav(seconds: number, rate = 8000): Buffer {
  const data = Buffer.alloc(seconds * rate * 2);
  const format = Buffer.concat([Buffer.from([1, 0, 1, 0]), le32(rate, rate * 2), Buffer.from([2, 0, 16, 0])]);
  return Buffer.concat([
    text('RIFF'),
    le32(36 + data.length),
    text('WAVEfmt '),
    le32(16),
    format,
    text('data'),
    le32(data.length),
    data,
  ]);
}

/** 16 bit mono at 8 kHz, which is 8000 * 2^12 / 2^12 in the 80 bit number of the header. */
export function aiff(seconds: number): Buffer {
  const data = Buffer.alloc(seconds * 8000 * 2);
  const rate = Buffer.from('400bfa00000000000000', 'hex');
  const common = Buffer.concat([Buffer.from([0, 1]), be32(seconds * 8000), Buffer.from([0, 16]), rate]);
  const chunks = Buffer.concat([
    text('AIFFCOMM'),
    be32(common.length),
    common,
    text('SSND'),
    be32(8 + data.length, 0, 0),
    data,
  ]);
  return Buffer.concat([text('FORM'), be32(chunks.length), chunks]);
}

export function flac(seconds: number, rate = 44_100): Buffer {
  const info = Buffer.alloc(34);
  info.writeUInt16BE(4096, 0);
  info.writeUInt16BE(4096, 2);
  info.writeBigUInt64BE((BigInt(rate) << 44n) | (1n << 41n) | (15n << 36n) | BigInt(seconds * rate), 10);
  return Buffer.concat([
    text('fLaC'),
    Buffer.from([0x80, 0, 0, 34]),
    info,
    Buffer.from([0xff, 0xf8]),
    Buffer.alloc(200),
  ]);
}

function oggPage(flags: number, granule: number, sequence: number, packet: Buffer): Buffer {
  const position = Buffer.alloc(8);
  position.writeBigUInt64LE(BigInt(granule));
  return Buffer.concat([
    text('OggS'),
    Buffer.from([0, flags]),
    position,
    le32(7, sequence, 0),
    Buffer.from([1, packet.length]),
    packet,
  ]);
}

const OPUS_PRE_SKIP = 312;

export function opus(seconds: number): Buffer {
  const head = Buffer.concat([
    text('OpusHead'),
    Buffer.from([1, 2, OPUS_PRE_SKIP & 255, OPUS_PRE_SKIP >> 8]),
    le32(48_000),
    Buffer.alloc(3),
  ]);
  const tags = Buffer.concat([text('OpusTags'), le32(4), text('test'), le32(0)]);
  const end = oggPage(4, seconds * 48_000 + OPUS_PRE_SKIP, 2, Buffer.alloc(100, 0x55));
  return Buffer.concat([oggPage(2, 0, 0, head), oggPage(0, 0, 1, tags), end]);
}

/** Frames of 128 kbit/s at 44.1 kHz. */
export function mp3(frames: number): Buffer {
  const frame = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x00]), Buffer.alloc(413)]);
  return Buffer.concat(Array.from({ length: frames }, () => frame));
}

/** AAC LC at 44.1 kHz, frames of 1024 samples. */
export function adts(frames: number): Buffer {
  const length = 64;
  const header = Buffer.from([
    0xff,
    0xf1,
    0x50,
    0x80 | (length >> 11),
    (length >> 3) & 255,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ]);
  const frame = Buffer.concat([header, Buffer.alloc(length - header.length, 0x21)]);
  return Buffer.concat(Array.from({ length: frames }, () => frame));
}

/** An EBML element with an eight byte size, as ffmpeg writes them. */
export function element(id: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from(id, 'hex'), be32(0x01000000, body.length), body]);
}

function unsigned(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export interface Matroska {
  readonly seconds: number;
  readonly docType?: string;
  readonly width?: number;
  readonly height?: number;
}

export function matroska({ seconds, docType = 'webm', width = 0, height = 0 }: Matroska): Buffer {
  const duration = Buffer.alloc(8);
  duration.writeDoubleBE(seconds * 1000);
  const info = element('1549a966', element('2ad7b1', unsigned(1_000_000)), element('4489', duration));
  const video = element('e0', element('b0', unsigned(width)), element('ba', unsigned(height)));
  const audio = element('e1', element('9f', unsigned(1)));
  const kind = width > 0 ? 1 : 2;
  const codec = element('86', text(width > 0 ? 'V_VP9' : 'A_OPUS'));
  const entry = element(
    'ae',
    element('d7', unsigned(1)),
    element('83', unsigned(kind)),
    codec,
    width > 0 ? video : audio,
  );
  const head = element('1a45dfa3', element('4282', text(docType)));
  return Buffer.concat([
    head,
    element('18538067', info, element('1654ae6b', entry), element('1f43b675', Buffer.alloc(100))),
  ]);
}

/** One triangle. */
export function binaryStl(): Buffer {
  return Buffer.concat([Buffer.alloc(80), le32(1), Buffer.alloc(50)]);
}

export function glb(): Buffer {
  const json = text('{"asset":{"version":"2.0"}} ');
  return Buffer.concat([text('glTF'), le32(2, 20 + json.length, json.length), text('JSON'), json]);
}

export function safetensors(): Buffer {
  const header = text('{"latent_tensor":{"dtype":"F32","shape":[1,4,1,1],"data_offsets":[0,16]}}');
  return Buffer.concat([le32(header.length, 0), header, Buffer.alloc(16)]);
}

/** A ZIP archive of one stored file. */
export function zip(name: string, content: Buffer): Buffer {
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(20, 4);
  local.writeUInt32LE(content.length, 18);
  local.writeUInt32LE(content.length, 22);
  local.writeUInt16LE(name.length, 26);
  return Buffer.concat([local, text(name), content]);
}

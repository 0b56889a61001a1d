import { crc32, deflateSync } from 'node:zlib';

export interface PictureKind {
  readonly label: string;
  /** Side of the square, pixels; noise does not compress, so a file has three bytes per pixel. */
  readonly side: number;
  /** Pictures per run. */
  readonly count: number;
}

interface Generation {
  readonly image: string;
  readonly images: readonly { readonly base64: string }[];
}

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const RGB_8_BIT = Buffer.from([8, 2, 0, 0, 0]);
const SEED = 0x2545f491;

/** Everything behind the text chunk, by side: one noise for all pictures of a size. */
const noises = new Map<number, Buffer>();

/** The body for one run. The prefix becomes part of each file, so that no two files of a benchmark are equal. */
export function requestBody({ side, count }: PictureKind, index: number, prefix: string): string {
  const picture = { width: side, height: side, batch_size: count, color: index & 0xffffff };
  const prompt = {
    '1': { class_type: 'EmptyImage', inputs: picture },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  };
  return JSON.stringify({ prompt });
}

/** The name under which a run with this prefix saves its picture; `index` starts at 0. */
export function pictureName(prefix: string, index: number): string {
  return `${prefix}_${String(index + 1).padStart(5, '0')}_.png`;
}

/** A PNG of noise in pieces, equal in every process; only the text chunk with the name is made per picture. */
export function pictureFile(side: number, name: string): readonly Buffer[] {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(side, 0);
  size.writeUInt32BE(side, 4);
  const head = [
    SIGNATURE,
    chunk('IHDR', Buffer.concat([size, RGB_8_BIT])),
    chunk('tEXt', Buffer.from(`name\0${name}`)),
  ];
  return [Buffer.concat(head), noiseOf(side)];
}

/** The difference between a response and the pictures of its run; undefined when there is none. */
export function pictureProblem(body: Buffer, prefix: string, { side, count }: PictureKind): string | undefined {
  const { image, images } = JSON.parse(body.toString('latin1')) as Generation;
  if (images.length !== count) return `${images.length} pictures instead of ${count}`;
  if (image !== images[0]?.base64) return '`image` is not the first picture';
  for (const [index, { base64 }] of images.entries()) {
    const name = pictureName(prefix, index);
    if (!Buffer.concat(pictureFile(side, name)).equals(Buffer.from(base64, 'base64'))) return `not ${name}`;
  }
  return undefined;
}

function noiseOf(side: number): Buffer {
  const known = noises.get(side);
  if (known) return known;
  const noise = Buffer.concat([chunk('IDAT', deflateSync(noisyRows(side), { level: 0 })), chunk('IEND')]);
  noises.set(side, noise);
  return noise;
}

/** Each row starts with its filter, which is none. */
function noisyRows(side: number): Buffer {
  const row = side * 3 + 1;
  const rows = Buffer.alloc(row * side);
  let state = SEED;
  for (let at = 0; at < rows.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    if (at % row !== 0) rows[at] = state;
  }
  return rows;
}

function chunk(type: string, data = Buffer.alloc(0)): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type), data]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, checksum]);
}

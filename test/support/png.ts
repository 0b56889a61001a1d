import { deflateSync } from 'node:zlib';
import { be32 } from './media-files';

/** A grey PNG whose header declares this size. */
export function pngOf(width: number, height: number, packed = deflateSync(Buffer.alloc(100))): Buffer {
  const header = Buffer.concat([be32(width, height), Buffer.from([8, 0, 0, 0, 0])]);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', packed), chunk('IEND', Buffer.alloc(0))]);
}

/** Adds a text chunk behind the header, as ComfyUI adds its workflow. */
export function withText(png: Buffer, keyword: string, text: string): Buffer {
  const header = 8 + 25;
  return Buffer.concat([
    png.subarray(0, header),
    chunk('tEXt', Buffer.from(`${keyword}\0${text}`)),
    png.subarray(header),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  return Buffer.concat([be32(data.length), body, be32(crc32(body))]);
}

function crc32(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc;
}

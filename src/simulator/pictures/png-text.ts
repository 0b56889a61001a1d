import { crc32 } from 'node:zlib';

/** Signature (8 bytes) and the IHDR chunk (25): the text chunks follow them, before the pixels. */
const HEADER_END = 33;

function textChunk(keyword: string, text: string): Buffer {
  const data = Buffer.from(`tEXt${keyword}\0${text}`, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length - 4);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(data));
  return Buffer.concat([length, data, checksum]);
}

/** A PNG with one tEXt chunk per entry, as ComfyUI writes `prompt`, `workflow` and the other keys of `extra_pnginfo`. */
export function withText(png: Buffer, texts: Iterable<[keyword: string, text: string]>): Buffer {
  const chunks = [...texts].map(([keyword, text]) => textChunk(keyword, text));
  return Buffer.concat([png.subarray(0, HEADER_END), ...chunks, png.subarray(HEADER_END)]);
}

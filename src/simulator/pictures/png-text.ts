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

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** The tEXt chunks of a PNG; none of anything else. */
export function textsOf(file: Buffer): [keyword: string, text: string][] {
  const texts: [string, string][] = [];
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return texts;
  for (let at = SIGNATURE.length; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const data = file.subarray(at + 8, at + 8 + file.readUInt32BE(at)).toString('latin1');
    const end = data.indexOf('\0');
    if (file.toString('latin1', at + 4, at + 8) === 'tEXt') texts.push([data.slice(0, end), data.slice(end + 1)]);
  }
  return texts;
}

import sharp from 'sharp';
import { isNoise } from './noise';
import { Picture } from './picture';

const CAPACITY = 96 * 1024 * 1024;

interface Entry {
  png: Promise<Buffer>;
  /** 0 during the compression. */
  bytes: number;
}

async function encode(picture: Picture): Promise<Buffer> {
  const compressionLevel = isNoise(picture) ? 0 : 4;
  return sharp(await picture.pixels(), { raw: picture.raw })
    .png({ compressionLevel })
    .toBuffer();
}

/** An LRU cache of PNG files by content: the same image is compressed once, for any number of saves. */
export class EncodedPictures {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  async png(picture: Picture): Promise<Buffer> {
    const entry = this.#entries.get(picture.key) ?? { png: encode(picture), bytes: 0 };
    this.#entries.delete(picture.key);
    this.#entries.set(picture.key, entry);
    const png = await entry.png;
    if (entry.bytes === 0) this.#account(entry, png.length);
    return png;
  }

  #account(entry: Entry, bytes: number): void {
    entry.bytes = bytes;
    this.#bytes += bytes;
    for (const [key, oldest] of this.#entries) {
      if (this.#bytes <= CAPACITY) return;
      if (oldest === entry) continue;
      this.#entries.delete(key);
      this.#bytes -= oldest.bytes;
    }
  }
}

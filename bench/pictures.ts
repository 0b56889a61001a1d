import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface PictureKind {
  readonly label: string;
  /** Side of the square, pixels; noise does not compress, so a file has three bytes a pixel. */
  readonly side: number;
  /** Pictures per run. */
  readonly count: number;
}

/** The simulator keeps so many encoded pictures of 1.4 MB: the measured time is not spent on making noise. */
const SEEDS = 48;

interface Answer {
  readonly image: string;
  readonly images: readonly { readonly base64: string }[];
}

/**
 * The body for one run. No two prompts in a row have a seed in common, so nothing comes from ComfyUI's cache; and the
 * prefix is in the prompt that SaveImage writes into the file, so every file of a benchmark is different.
 */
export function requestBody({ side, count }: PictureKind, index: number, prefix: string): string {
  const noise = { width: side, height: side, seed: index % SEEDS, batch_size: count };
  const prompt = {
    '1': { class_type: 'SimulatedNoise', inputs: noise },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  };
  return JSON.stringify({ prompt });
}

/** Compares answers with the files that the simulator wrote for them. */
export class PictureCheck {
  readonly #output: string;

  constructor(simulatorDirectory: string) {
    this.#output = join(simulatorDirectory, 'output');
  }

  /** What is wrong with an answer; undefined when it holds exactly the pictures of its own run. */
  async problem(body: Buffer, prefix: string, { count }: PictureKind): Promise<string | undefined> {
    const { image, images } = JSON.parse(body.toString('latin1')) as Answer;
    if (images.length !== count) return `${images.length} pictures instead of ${count}`;
    if (image !== images[0]?.base64) return '`image` is not the first picture';
    for (const [index, { base64 }] of images.entries()) {
      const name = `${prefix}_${String(index + 1).padStart(5, '0')}_.png`;
      if (hash(Buffer.from(base64, 'base64')) !== hash(await readFile(join(this.#output, name)))) return `not ${name}`;
    }
    return undefined;
  }

  async forget(folder: string): Promise<void> {
    await rm(join(this.#output, folder), { recursive: true, force: true });
  }
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

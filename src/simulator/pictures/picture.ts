import { createHash } from 'node:crypto';

const CHANNELS = 3;

/**
 * An image that is identified by its recipe and rendered on first access to its pixels: a run whose encoded image is cached
 * renders nothing.
 */
export class Picture {
  /** Two images with the same key have the same pixels. */
  readonly key: string;
  #pixels: Promise<Buffer> | undefined;

  constructor(
    recipe: string,
    readonly width: number,
    readonly height: number,
    private readonly draw: () => Promise<Buffer> | Buffer,
  ) {
    this.key = recipe.length > 120 ? createHash('sha1').update(recipe).digest('hex') : recipe;
  }

  /** Rows of 8-bit RGB. */
  pixels(): Promise<Buffer> {
    this.#pixels ??= Promise.resolve(this.draw());
    return this.#pixels;
  }

  get raw(): { width: number; height: number; channels: 3 } {
    return { width: this.width, height: this.height, channels: CHANNELS };
  }
}

/** The value of an IMAGE socket: images of the same size. */
export class Images {
  constructor(readonly frames: readonly [Picture, ...Picture[]]) {}

  static of(frames: readonly Picture[]): Images {
    const [first, ...rest] = frames;
    if (first === undefined) throw new RangeError('an IMAGE has at least one image');
    return new Images([first, ...rest]);
  }

  get width(): number {
    return this.frames[0].width;
  }

  get height(): number {
    return this.frames[0].height;
  }

  map(change: (frame: Picture, index: number) => Picture): Images {
    return Images.of(this.frames.map(change));
  }
}

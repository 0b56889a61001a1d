import { createHash } from 'node:crypto';

/** All random numbers of a test follow from it. */
export const SEED = Number(process.env.CHAOS_SEED ?? 1);

/** Random numbers that a seed repeats. */
export class Dice {
  #thrown = 0;

  constructor(private readonly seed: string) {}

  /** 0 up to, but not including, 1. */
  next(): number {
    const bytes = createHash('sha256').update(`${this.seed}/${this.#thrown++}`).digest();
    return bytes.readUInt32BE(0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

export interface Round {
  readonly round: number;
  readonly seed: number;
  readonly dice: Dice;
}

/** For `it.each(rounds(10))('... (CHAOS_SEED=$seed, round $round)', ({ dice }) => ...)`. */
export function rounds(count: number): Round[] {
  return Array.from({ length: count }, (_, index) => roundOf(index + 1));
}

export function roundOf(round: number): Round {
  return { round, seed: SEED, dice: new Dice(`${SEED}/${round}`) };
}

import { createHash, randomInt } from 'node:crypto';

/** All that is random in a run follows from this number: `CHAOS_SEED=<it>` repeats what a test did. */
export const SEED = Number(process.env.CHAOS_SEED ?? randomInt(1_000_000));

/** Chance that can be repeated. */
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

export interface Batch {
  readonly batch: number;
  readonly seed: number;
  readonly rounds: readonly Round[];
}

/** For rounds that wait most of their time: so many at once, `count` in all. */
export function batches(count: number, atOnce: number): Batch[] {
  const all = rounds(count);
  return Array.from({ length: Math.ceil(count / atOnce) }, (_, index) => ({
    batch: index + 1,
    seed: SEED,
    rounds: all.slice(index * atOnce, (index + 1) * atOnce),
  }));
}

export function roundOf(round: number): Round {
  return { round, seed: SEED, dice: new Dice(`${SEED}/${round}`) };
}

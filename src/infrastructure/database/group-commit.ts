import type { Kysely, Transaction } from 'kysely';
import { ComfyUIError } from '../../domain/errors';
import type { Tables } from './tables';

type Write<T> = (transaction: Transaction<Tables>) => Promise<T>;

/** What a write came to; told only when it is on disk. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

interface Waiting {
  readonly write: Write<unknown>;
  readonly tell: (outcome: Outcome) => void;
}

/**
 * Writes that come at the same time are committed together: each commit waits for the disk, and the embedded database lets
 * the whole process wait with it. A write that rejects must not have written anything.
 */
export class GroupCommit {
  #waiting: Waiting[] = [];

  constructor(private readonly kysely: Kysely<Tables>) {}

  /** Resolves when the write is on disk; rejects with its own error, or with that of the commit. */
  async run<T>(write: Write<T>): Promise<T> {
    const outcome = await new Promise<Outcome>((tell) => {
      if (this.#waiting.push({ write, tell }) === 1) setImmediate(() => void this.#commit());
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.value as T;
  }

  async #commit(): Promise<void> {
    const group = this.#waiting;
    this.#waiting = [];
    const outcomes = await this.#commitAll(group).catch((error: unknown) => group.map(() => ({ error })));
    group.forEach(({ tell }, index) => tell(outcomes[index] ?? { error: new Error('A write was left out.') }));
  }

  #commitAll(group: readonly Waiting[]): Promise<Outcome[]> {
    return this.kysely.transaction().execute(async (transaction) => {
      const outcomes: Outcome[] = [];
      for (const { write } of group) outcomes.push(await outcomeOf(write(transaction)));
      return outcomes;
    });
  }
}

/** A refusal is the affair of its caller; a failure of the database that of the whole group. */
async function outcomeOf(written: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await written };
  } catch (error) {
    if (error instanceof ComfyUIError) return { error };
    throw error;
  }
}

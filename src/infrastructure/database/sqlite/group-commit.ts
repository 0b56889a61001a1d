import type { Kysely, QueryResult } from 'kysely';
import { ComfyUIError } from '../../../domain/errors';
import type { Statement, Transaction } from '../statements';
import type { Tables } from '../tables';

type Write<T> = (transaction: Transaction) => Promise<T>;

/** What a write came to; told only when it is on disk. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

interface Waiting {
  readonly write: Write<unknown>;
  readonly tell: (outcome: Outcome) => void;
}

/**
 * Writes that come at the same time are committed together: each commit waits for the disk, and the embedded database lets
 * the whole process wait with it. A write that rejects with an error of ours must not have written anything.
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
    return this.kysely.transaction().execute(async (kysely) => {
      const outcomes: Outcome[] = [];
      for (const { write } of group) outcomes.push(await new PartOfGroup(kysely).outcomeOf(write));
      return outcomes;
    });
  }
}

/** One of the writes that are committed together. */
class PartOfGroup implements Transaction {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly kysely: Kysely<Tables>) {}

  /** One after the other: Kysely takes far longer for many that it has to keep waiting. */
  run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    const answer = this.#last.then(() => this.kysely.executeQuery<Row>(statement));
    this.#last = answer;
    return answer;
  }

  send(statement: Statement): void {
    this.run(statement).catch(() => undefined);
  }

  /** A refusal is the affair of its caller; a failure of the database that of the whole group. */
  async outcomeOf(write: Write<unknown>): Promise<Outcome> {
    try {
      const value = await write(this);
      await this.#last;
      return { value };
    } catch (error) {
      if (error instanceof ComfyUIError) return { error };
      throw error;
    }
  }
}

import type { Kysely, QueryResult } from 'kysely';
import { ComfyUIError } from '../../../domain/errors';
import type { Statement, Transaction } from '../statements';
import type { Tables } from '../tables';

type Write<T> = (transaction: Transaction) => Promise<T>;

/** The result of a write, reported when it is on disk. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

interface Pending {
  readonly write: Write<unknown>;
  readonly resolve: (outcome: Outcome) => void;
}

/**
 * Commits the writes of the same time together: each commit waits for the disk, and the embedded database blocks the process
 * meanwhile. A write that rejects with a `ComfyUIError` must not have written anything.
 */
export class GroupCommit {
  #pending: Pending[] = [];

  constructor(private readonly kysely: Kysely<Tables>) {}

  /** Resolves when the write is on disk; rejects with its own error, or with that of the commit. */
  async run<T>(write: Write<T>): Promise<T> {
    const outcome = await new Promise<Outcome>((resolve) => {
      if (this.#pending.push({ write, resolve }) === 1) setImmediate(() => void this.#commit());
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.value as T;
  }

  async #commit(): Promise<void> {
    const group = this.#pending;
    this.#pending = [];
    const outcomes = await this.#commitAll(group).catch((error: unknown) => group.map(() => ({ error })));
    group.forEach(({ resolve }, index) => resolve(outcomes[index] ?? { error: new Error('A write was left out.') }));
  }

  #commitAll(group: readonly Pending[]): Promise<Outcome[]> {
    return this.kysely.transaction().execute(async (kysely) => {
      const outcomes: Outcome[] = [];
      for (const { write } of group) outcomes.push(await new GroupMember(kysely).outcomeOf(write));
      return outcomes;
    });
  }
}

/** The transaction of one write of a group. */
class GroupMember implements Transaction {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly kysely: Kysely<Tables>) {}

  /** One after the other: queued statements cost Kysely far more time. */
  run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    const answer = this.#last.then(() => this.kysely.executeQuery<Row>(statement));
    this.#last = answer;
    return answer;
  }

  send(statement: Statement): void {
    this.run(statement).catch(() => undefined);
  }

  /** A refusal concerns its caller only; a failure of the database fails the whole group. */
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

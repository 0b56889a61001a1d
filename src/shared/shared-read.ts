/**
 * One read for all who ask at the same time. Who asks while a read is under way gets the next one: what it was about to
 * answer may be older than the question.
 */
export class SharedRead<T> {
  #current: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(private readonly read: () => Promise<T>) {}

  get(): Promise<T> {
    if (!this.#current) return this.#start();
    this.#next ??= this.#current.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const read = this.read();
    this.#current = read;
    const done = () => {
      if (this.#current === read) this.#current = undefined;
    };
    read.then(done, done);
    return read;
  }
}

import type { FileToStore } from '../../application/assets/asset-storage';

/** Concurrent puts of the same file wait for the first one and store the file themselves only if it fails. */
export class SingleFlightPut {
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(private readonly store: (file: FileToStore, signal: AbortSignal) => Promise<void>) {}

  async put(file: FileToStore, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const first = this.#underWay.get(file.sha256);
    if (first && (await succeeds(first, signal))) return;
    const own = this.store(file, signal);
    if (this.#underWay.has(file.sha256)) return own;
    this.#underWay.set(file.sha256, own);
    try {
      await own;
    } finally {
      this.#underWay.delete(file.sha256);
    }
  }
}

/** Whether the put succeeds. Rejects only with the signal's reason. */
function succeeds(put: Promise<void>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    put.then(
      () => resolve(true),
      () => resolve(false),
    );
    put.catch(() => undefined).finally(() => signal.removeEventListener('abort', abort));
  });
}

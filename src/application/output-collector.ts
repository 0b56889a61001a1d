import { bulkhead, ExponentialBackoff, handleWhen, retry, wrap } from 'cockatiel';
import { ComfyUIError } from '../domain/errors';
import type { CollectedFile } from '../domain/job/job';
import {
  findOutputs,
  inNodeOrder,
  outputKey,
  withoutPreviews,
  type OutputFile,
  type OutputText,
} from '../domain/job/outputs';
import { submittedNode } from '../domain/workflow/submitted-node';
import { describeMedia } from './describe-media';
import type { LiveJob } from './live-job';
import type { ComfyUIClient } from './ports/comfyui-client';
import type { Spool } from './ports/spool';

const FILES_AT_ONCE = 4;

/** A file may appear a moment after it was named, and a transfer may break: both deserve another try, not many. */
const isWorthAnotherTry = handleWhen(
  (error) =>
    error instanceof ComfyUIError &&
    (error.code === 'not_found' || error.code === 'backend_error' || error.code === 'backend_unreachable'),
);

/** Fetches the output files of one attempt of a job, each once, as soon as they are known. */
export class OutputCollector {
  readonly #fetches = new Map<string, Promise<CollectedFile>>();
  readonly #found = new Map<string, OutputFile>();
  readonly #texts = new Map<string, readonly OutputText[]>();
  readonly #policy = wrap(
    bulkhead(FILES_AT_ONCE, Infinity),
    retry(isWorthAnotherTry, {
      maxAttempts: 2,
      backoff: new ExponentialBackoff({ initialDelay: 150, maxDelay: 1_000 }),
    }),
  );

  constructor(
    private readonly client: ComfyUIClient,
    private readonly spool: Spool,
    private readonly live: LiveJob,
    private readonly signal: AbortSignal,
  ) {}

  /** Takes note of what a node put out and starts to fetch it; temporary files wait until the run is over. */
  observe(nodeId: string, output: unknown): void {
    const owner = submittedNode(this.live.job.workflow, nodeId);
    const { files, texts } = findOutputs(owner, output);
    if (texts.length > 0) this.#texts.set(nodeId, texts);
    for (const file of files) {
      this.#found.set(outputKey(file), file);
      if (file.type !== 'temp') this.#fetch(file).catch(() => undefined);
    }
  }

  /**
   * The files that count, all fetched, in the order of the nodes as submitted.
   * @throws ComfyUIError `output_missing` when ComfyUI does not have a file it named
   */
  async files(): Promise<CollectedFile[]> {
    const counting = inNodeOrder(withoutPreviews([...this.#found.values()]), Object.keys(this.live.job.workflow));
    return Promise.all(counting.map((file) => this.#fetch(file)));
  }

  texts(): OutputText[] {
    return inNodeOrder([...this.#texts.values()].flat(), Object.keys(this.live.job.workflow));
  }

  #fetch(file: OutputFile): Promise<CollectedFile> {
    const key = outputKey(file);
    const fetch =
      this.#fetches.get(key) ??
      this.#policy.execute(() => this.#collect(file)).catch((error: unknown) => missing(file, error));
    this.#fetches.set(key, fetch);
    return fetch;
  }

  async #collect(file: OutputFile): Promise<CollectedFile> {
    const { stream, mediaType } = await this.client.view(file, this.signal);
    const bytes = await this.spool.write(stream);
    const collected = { ...file, ...describeMedia(bytes.head, mediaType), sizeBytes: bytes.sizeBytes };
    this.live.keep(collected, bytes);
    this.live.change({ kind: 'collected', file: collected });
    return collected;
  }
}

function missing(file: OutputFile, error: unknown): never {
  if (!(error instanceof ComfyUIError) || error.code !== 'not_found') throw error;
  const message = `Node ${file.nodeId} named the file ${file.filename}, but ComfyUI does not have it: it was deleted after an earlier run.`;
  throw new ComfyUIError('output_missing', message, { cause: error, details: { ...file } });
}

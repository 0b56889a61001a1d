import type { CollectedFile } from '../../domain/job/job';
import {
  findOutputs,
  inNodeOrder,
  outputKey,
  withoutPreviews,
  type OutputFile,
  type OutputText,
} from '../../domain/job/outputs';
import { nodeIdsOf } from '../../domain/workflow/node-order';
import { submittedNode } from '../../domain/workflow/submitted-node';
import type { JobSession } from '../jobs/job-session';
import type { FetchedFile, OutputFetcher } from './output-fetcher';
import type { ComfyUIClient } from '../backends/comfyui-client';

/** Collects the outputs of one attempt, each once, as soon as they are reported; files that the job has already are skipped. */
export class OutputCollector {
  readonly #collected = new Map<string, Promise<CollectedFile>>();
  readonly #found = new Map<string, OutputFile>();
  readonly #texts = new Map<string, readonly OutputText[]>();

  constructor(
    private readonly fetcher: OutputFetcher,
    private readonly client: ComfyUIClient,
    private readonly session: JobSession,
    private readonly keep: (fetched: FetchedFile) => void,
    private readonly signal: AbortSignal,
  ) {
    for (const file of session.job.outputs) this.#collected.set(outputKey(file), Promise.resolve(file));
  }

  /**
   * Registers the output of a node and starts to fetch its files. Temporary files wait for the end of the run, unless they were
   * requested: they count only where the run produced no other files.
   */
  observe(nodeId: string, output: unknown): void {
    const owner = submittedNode(this.session.job.workflow, nodeId);
    const { files, texts } = findOutputs(owner, output);
    if (texts.length > 0) this.#texts.set(nodeId, texts);
    for (const file of files) {
      this.#found.set(outputKey(file), file);
      if (file.type !== 'temp' || this.session.job.keepPreviews) this.#collect(file).catch(() => undefined);
    }
  }

  /**
   * The files of the result, all fetched and stored, in the order of the nodes as submitted. A fetch that failed is repeated
   * once.
   * @throws ComfyUIError `output_missing` when ComfyUI does not have a file that it named, `storage_failed`
   */
  async files(): Promise<CollectedFile[]> {
    const { workflow, keepPreviews } = this.session.job;
    const found = [...this.#found.values()];
    const counting = inNodeOrder(keepPreviews ? found : withoutPreviews(found), nodeIdsOf(workflow));
    return Promise.all(counting.map((file) => this.#collect(file)));
  }

  texts(): OutputText[] {
    return inNodeOrder([...this.#texts.values()].flat(), nodeIdsOf(this.session.job.workflow));
  }

  #collect(file: OutputFile): Promise<CollectedFile> {
    const key = outputKey(file);
    const known = this.#collected.get(key);
    if (known) return known;
    const collected = this.#fetch(file);
    this.#collected.set(key, collected);
    collected.catch(() => this.#collected.delete(key));
    return collected;
  }

  async #fetch(file: OutputFile): Promise<CollectedFile> {
    const fetched = await this.fetcher.fetch(this.client, file, this.signal);
    if (this.signal.aborted) void fetched.bytes.discard();
    this.signal.throwIfAborted();
    this.keep(fetched);
    return fetched.file;
  }
}

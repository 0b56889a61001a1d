import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isIdle } from './callers';
import { type Figure, quantile } from './figures';
import { type PictureKind, requestBody } from './pictures';
import type { ServerProcess } from './processes';
import type { Report } from './report';
import { startService, startStandIn } from './servers';

const PICTURES: PictureKind = { label: '4 x 1.4 MB', side: 690, count: 4 };
const JOBS = 64;
const PAIRS_OF_ROUNDS = 5;
const LOOK_AGAIN_MS = 25;
const GOAL_RATIO = 1.3;
const GOAL_MIB = 250;

interface Starters {
  /** Its files are in this folder. */
  readonly storing: { readonly folder: string; start(): Promise<ServerProcess> };
  readonly notStoring: { start(): Promise<ServerProcess> };
}

/** The additional time of jobs because their files are stored. */
export async function measureStoring(report: Report): Promise<void> {
  const standIn = await startStandIn();
  const comfyUI = standIn.url;
  const [directory, other] = [await report.folder(), await report.folder()];
  const storing = new Storing({
    storing: { folder: join(directory, 'data/assets'), start: () => startService({ comfyUI, directory }) },
    notStoring: { start: () => startService({ comfyUI, directory: other, storesNothing: true }) },
  });
  try {
    for (const figure of await storing.measure()) report.add(figure);
    report.problems.push(...storing.problems);
  } finally {
    await standIn.stop();
  }
}

class Storing {
  readonly problems: string[] = [];
  #round = 0;

  constructor(private readonly services: Starters) {}

  async measure(): Promise<Figure[]> {
    const { storing, notStoring } = this.services;
    const [kept, dropped] = [await storing.start(), await notStoring.start()];
    try {
      for (const service of [kept, dropped]) await this.#run(service);
      const times = { kept: [] as number[], dropped: [] as number[] };
      for (let pair = 0; pair < PAIRS_OF_ROUNDS; pair++) {
        times.dropped.push(await this.#run(dropped));
        times.kept.push(await this.#run(kept));
      }
      await this.#checkFiles();
      return [timeFigure(quantile(times.dropped, 0.5), quantile(times.kept, 0.5)), await memoryFigure(kept, dropped)];
    } finally {
      await Promise.all([kept.stop(), dropped.stop()]);
    }
  }

  /** Milliseconds from the first request to the end of the last job. */
  async #run({ url }: ServerProcess): Promise<number> {
    const round = this.#round++;
    const started = performance.now();
    await Promise.all(Array.from({ length: JOBS }, (_, index) => this.#submit(url, round * JOBS + index)));
    while (!(await isIdle(url))) await setTimeout(LOOK_AGAIN_MS);
    const ms = performance.now() - started;
    await this.#checkJobs(url);
    return ms;
  }

  async #submit(url: string, index: number): Promise<void> {
    const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' };
    const body = requestBody(PICTURES, index, `storing/${randomUUID()}`);
    const response = await fetch(`${url}/generate`, { method: 'POST', headers, body });
    if (response.status !== 202) this.problems.push(`not accepted: ${response.status} ${await response.text()}`);
    else await response.arrayBuffer();
  }

  async #checkJobs(url: string): Promise<void> {
    const response = await fetch(`${url}/jobs?limit=${JOBS}`);
    const { jobs } = (await response.json()) as { jobs: { status: string; outputs: unknown[] }[] };
    for (const { status, outputs } of jobs)
      if (status !== 'succeeded' || outputs.length !== PICTURES.count)
        this.problems.push(`a job is ${status} with ${outputs.length} files`);
  }

  async #checkFiles(): Promise<void> {
    const { folder } = this.services.storing;
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const wanted = JOBS * PICTURES.count * (PAIRS_OF_ROUNDS + 1);
    if (files.length !== wanted) this.problems.push(`${files.length} files are stored instead of ${wanted}`);
    for (const { parentPath, name } of files)
      if ((await stat(join(parentPath, name))).size < 1_000_000) this.problems.push(`${name} is too small`);
  }
}

function timeFigure(without: number, storing: number): Figure {
  const ratio = storing / without;
  return {
    what: `${JOBS} jobs with ${PICTURES.label} each, through local storage`,
    measured: `${ratio.toFixed(2)}x (${(storing / 1000).toFixed(2)} s; without storing: ${(without / 1000).toFixed(2)} s)`,
    goal: `<= ${GOAL_RATIO}x`,
    holds: ratio <= GOAL_RATIO,
  };
}

async function memoryFigure(storing: ServerProcess, notStoring: ServerProcess): Promise<Figure> {
  const [peak, other] = [await storing.peakMemoryMiB(), await notStoring.peakMemoryMiB()];
  return {
    what: 'peak memory of that',
    measured: `${peak.toFixed(0)} MiB (without storing: ${other.toFixed(0)} MiB)`,
    goal: `<= ${GOAL_MIB} MiB`,
    holds: peak <= GOAL_MIB,
  };
}

import { setTimeout } from 'node:timers/promises';
import { isIdle } from './callers';
import { startDataServers } from './data-servers';
import type { Figure } from './figures';
import type { ServerProcess } from './processes';
import type { Report } from './report';
import { startFleet, startSimulator } from './servers';

const WORKERS = [1, 2, 4];
const RUN_MS = 200;
/** The rest of {@link RUN_MS} is the work around it. */
const SLEEP_MS = 166;
const IDEAL_RUNS = 40;
const JOBS_PER_SERVER = 60;
const GOAL = 0.9;
const LOOK_MS = 50;

interface JobTimes {
  readonly status: string;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** The throughput of fleets with more and more workers, each with a server of its own. */
export async function replicaThroughput(report: Report): Promise<void> {
  const data = await startDataServers();
  try {
    for (const workers of WORKERS) await measureFleet(report, data.env, workers);
  } finally {
    await data.stop();
  }
}

async function measureFleet(report: Report, env: NodeJS.ProcessEnv, workers: number): Promise<void> {
  const options = { speed: '1', concurrency: 1 };
  const simulators = await Promise.all(
    Array.from({ length: workers }, async () => startSimulator(await report.folder(), options)),
  );
  const idealMs = await runMs(simulators[0]!);
  const comfyUI = simulators.map(({ url }) => url).join(',');
  const roles = ['api', ...Array.from({ length: workers }, () => 'worker')];
  const fleet = await startFleet({ comfyUI, directory: await report.folder(), concurrency: 1, env }, roles);
  try {
    const times = await runJobs(fleet[0]!, JOBS_PER_SERVER * workers);
    const failed = times.filter(({ status }) => status !== 'succeeded').length;
    const problem = `${failed} of ${times.length} jobs did not succeed with ${workers} workers`;
    report.add(throughputFigure(workers, times, idealMs), failed > 0 ? [problem] : []);
  } finally {
    await Promise.all([...fleet, ...simulators].map((server) => server.stop()));
  }
}

async function runJobs({ url }: ServerProcess, count: number): Promise<readonly JobTimes[]> {
  const ids = await Promise.all(Array.from({ length: count }, (_, index) => submitRun(url, index)));
  while (!(await isIdle(url))) await setTimeout(LOOK_MS);
  return Promise.all(ids.map((id) => timesOf(url, id)));
}

/** @param idealMs time per run of a server that receives all prompts directly */
function throughputFigure(workers: number, times: readonly JobTimes[], idealMs: number): Figure {
  const began = Math.min(...times.map(({ startedAt }) => Date.parse(startedAt)));
  const ended = Math.max(...times.map(({ endedAt }) => Date.parse(endedAt)));
  const ideal = (JOBS_PER_SERVER * idealMs) / (ended - began);
  const perSecond = (times.length * 1000) / (ended - began);
  return {
    what: `${workers === 1 ? '1 worker' : `${workers} workers`}, each with a server that takes ${RUN_MS} ms per run`,
    measured: `${perSecond.toFixed(1)} jobs/s, ${ideal.toFixed(2)} of ideal`,
    goal: `>= ${GOAL} of ideal`,
    holds: ideal >= GOAL,
  };
}

/** Time per run of a server with many prompts in its queue, ms. */
async function runMs({ url }: ServerProcess): Promise<number> {
  const started = performance.now();
  for (let index = 0; index < IDEAL_RUNS; index += 1)
    await fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: sleepingPrompt(-index) }) });
  for (;;) {
    const { exec_info } = (await (await fetch(`${url}/prompt`)).json()) as { exec_info: { queue_remaining: number } };
    if (exec_info.queue_remaining === 0) return (performance.now() - started) / IDEAL_RUNS;
    await setTimeout(LOOK_MS / 10);
  }
}

function sleepingPrompt(index: number): object {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: index & 0xffffff } },
    '2': {
      class_type: 'SimulatedSleep',
      inputs: { seconds: SLEEP_MS / 1000, steps: 2, preview: false, image: ['1', 0] },
    },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: `run${index}` } },
  };
}

async function submitRun(url: string, index: number): Promise<string> {
  const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' };
  const body = JSON.stringify({ prompt: sleepingPrompt(index) });
  const response = await fetch(`${url}/generate`, { method: 'POST', headers, body });
  if (response.status !== 202) throw new Error(`Not accepted: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

async function timesOf(url: string, id: string): Promise<JobTimes> {
  return (await (await fetch(`${url}/jobs/${id}`)).json()) as JobTimes;
}

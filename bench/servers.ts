import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ServerProcess } from './processes';
import { DIST } from './root';

/** Prompts that the simulator runs at once, and the setting of the service for it. */
export const PROMPTS_AT_ONCE = 16;
const PREFETCH = 1;
/** Leases are renewed, and servers given back, every 2 s. */
const DIVIDED_MS = 6_000;
/** Prompts that the service submits before the first one ends. */
export const PLACES = PROMPTS_AT_ONCE + PREFETCH;

export interface ServiceOptions {
  readonly comfyUI: string;
  /** For its jobs and its log. */
  readonly directory: string;
  /** Default: {@link PROMPTS_AT_ONCE}. */
  readonly concurrency?: number;
  /** Makes `memory()` work. */
  readonly withMemoryProbe?: boolean;
  /** Its storage drops all files. */
  readonly storesNothing?: boolean;
  /** Further settings. */
  readonly env?: NodeJS.ProcessEnv;
}

/** ComfyUI for measurements of CPU time: runs take no time and cost little, also in garbage collections. */
export function startStandIn(): Promise<ServerProcess> {
  const script = ['--max-semi-space-size=64', '--min-semi-space-size=64', join(__dirname, 'stand-in.js')];
  return ServerProcess.start({ name: 'stand-in', script, probePath: '/system_stats' });
}

/** ComfyUI for measurements that need runs with a duration; its files are in `directory`. */
export function startSimulator(
  directory: string,
  { speed = 'instant', concurrency = PROMPTS_AT_ONCE } = {},
): Promise<ServerProcess> {
  const options = ['--speed', speed, '--concurrency', String(concurrency), '--directory', directory];
  const script = [join(DIST, 'simulator/main.js'), ...options];
  return ServerProcess.start({ name: 'simulator', script, probePath: '/system_stats' });
}

/** The service as `npm start` runs it: durable jobs, and a log line per request, as JSON, in a file. */
export function startService({
  comfyUI,
  directory,
  concurrency = PROMPTS_AT_ONCE,
  withMemoryProbe = false,
  storesNothing = false,
  env = {},
}: ServiceOptions): Promise<ServerProcess> {
  const probe = withMemoryProbe ? ['--expose-gc', '--require', join(__dirname, 'memory-probe.js')] : [];
  const preload = storesNothing ? ['--require', join(__dirname, 'storing-nothing.js')] : [];
  return ServerProcess.start({
    name: 'service',
    script: ['--max-semi-space-size=8', ...probe, ...preload, join(DIST, 'main.js')],
    env: {
      COMFYUI_BASE_URL: comfyUI,
      COMFYUI_CONCURRENCY: String(concurrency),
      COMFYUI_PREFETCH: String(PREFETCH),
      DATA_DIR: join(directory, 'data'),
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      ...env,
    },
    probePath: '/health/ready',
    log: join(directory, 'service.log'),
  });
}

/** A process for each of these roles; resolves when each server has its lease. */
export async function startFleet(options: ServiceOptions, roles: readonly string[]): Promise<readonly ServerProcess[]> {
  const start = (role: string) => startService({ ...options, env: { ...options.env, ROLE: role } });
  const [first, ...others] = roles;
  const fleet = [await start(first ?? 'all'), ...(await Promise.all(others.map(start)))];
  await setTimeout(DIVIDED_MS);
  return fleet;
}

export function startBareServer(comfyUI: string): Promise<ServerProcess> {
  const script = [join(__dirname, 'bare-server.js')];
  return ServerProcess.start({ name: 'bare', script, env: { COMFYUI_BASE_URL: comfyUI }, probePath: '/' });
}

/** Every prompt waits before its first node until {@link letGo}. */
export async function hold(simulator: ServerProcess): Promise<void> {
  const fault = { kind: 'hold', times: 'Infinity' };
  await sure(fetch(`${simulator.url}/simulator/faults`, { method: 'POST', body: JSON.stringify(fault) }));
}

export async function letGo(simulator: ServerProcess): Promise<void> {
  await sure(fetch(`${simulator.url}/simulator/faults?kind=hold`, { method: 'DELETE' }));
}

async function sure(response: Promise<Response>): Promise<void> {
  const { status } = await response;
  if (status !== 200) throw new Error(`The simulator returned ${status}.`);
}

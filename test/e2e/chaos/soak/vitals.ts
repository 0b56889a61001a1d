import { readFile, rm } from 'node:fs/promises';
import type { Rig } from '../support/rig';
import { getJson } from '../support/http';
import { until } from '../support/until';

/** Values that a leak increases. */
export interface Vitals {
  readonly memoryMiB: number;
  readonly sockets: number;
  readonly liveJobs: number;
  /** Prompts at the servers according to the service. */
  readonly handedOver: number;
}

interface Status {
  readonly data: { readonly backends: readonly { readonly handedOver: number }[] };
}

export async function readVitals({ service }: Rig, liveJobsFile: string): Promise<Vitals> {
  const { data } = await getJson<Status>(`${service.url}/comfyui/status`);
  const handedOver = data.backends.reduce((sum, backend) => sum + backend.handedOver, 0);
  const sockets = await service.openSockets();
  await rm(liveJobsFile, { force: true });
  process.kill(service.pid, 'SIGWINCH');
  const liveJobs = Number(await until('the service counted its jobs', () => readFile(liveJobsFile, 'utf8')));
  return { memoryMiB: Math.round(await service.memory()), sockets, liveJobs, handedOver };
}

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { JobDto } from '../../../../src/presentation/shared/jobs/job.dto';
import { textsOf } from '../../../../src/simulator/pictures/png-text';
import type { ComfyUIProcess, HistoryEntry } from './comfyui-process';
import type { Order } from './order';

/** What the simulators ran and wrote. */
export interface Evidence {
  readonly backends: readonly ComfyUIProcess[];
  /** Histories by URL, of the running simulators. */
  readonly histories: ReadonlyMap<string, Readonly<Record<string, HistoryEntry>>>;
  /** Number of output files by tag. */
  readonly made: ReadonlyMap<string, number>;
  /** Runs of each job that the service may have missed. */
  readonly unseenRuns: number;
}

export async function gatherEvidence(backends: readonly ComfyUIProcess[]): Promise<Omit<Evidence, 'unseenRuns'>> {
  const up = backends.filter(({ isUp }) => isUp);
  const histories = new Map(await Promise.all(up.map(async (one) => [one.url, await one.history()] as const)));
  const made = new Map<string, number>();
  for (const file of (await Promise.all(backends.map((one) => one.files()))).flat()) {
    const tag = file.slice(0, file.indexOf('_'));
    made.set(tag, (made.get(tag) ?? 0) + 1);
  }
  return { backends, histories, made };
}

/** The violations of an ended job, as sentences. */
export async function checkJob(order: Order, job: JobDto, evidence: Evidence): Promise<string[]> {
  const ending = job.status === 'succeeded' ? 'succeeded' : (job.error?.code ?? 'without a reason');
  const named = (sentence: string) => `${order.tag} (${job.id}): ${sentence}`;
  const findings: string[] = [];
  if (!order.endings.some((allowed) => allowed === ending))
    findings.push(`ended ${ending}, not ${order.endings.join(' or ')}: ${job.error?.message ?? ''}`);
  findings.push(...checkExecutions(order, job, evidence));
  if (job.status === 'succeeded') findings.push(...(await checkDelivery(order, job, evidence)));
  else if (order.picture) findings.push(`its caller has a picture, but the job ${job.status}`);
  return findings.map(named);
}

/** Every completed run is one of the attempts; output files count runs that a killed simulator forgot. */
function checkExecutions({ tag, isCached }: Order, { id, attempts }: JobDto, evidence: Evidence): string[] {
  const { histories, made, unseenRuns } = evidence;
  const pictures = made.get(tag) ?? 0;
  const known = new Set(attempts.map(({ promptId }) => promptId));
  const strangers = [...histories.values()]
    .flatMap((history) => Object.entries(history))
    .filter(([promptId, { prompt, status }]) => prompt[3].job_id === id && status.completed && !known.has(promptId));
  return [
    ...(pictures > attempts.length + unseenRuns && !isCached
      ? [`ran ${pictures} times in ${attempts.length} attempts`]
      : []),
    ...strangers
      .slice(unseenRuns)
      .map(([promptId]) => `ran to its end as prompt ${promptId}, which is none of its attempts`),
  ];
}

async function checkDelivery(order: Order, job: JobDto, { backends, histories }: Evidence): Promise<string[]> {
  const last = job.attempts.at(-1);
  const [output] = job.outputs;
  const backend = backends.find(({ url }) => url === last?.backend);
  if (!last || !output || !backend || job.outputs.length !== 1)
    return [`succeeded with ${job.outputs.length} outputs after ${job.attempts.length} attempts`];
  const findings: string[] = [];
  const entry = histories.get(backend.url)?.[last.promptId];
  const named = Object.values(entry?.outputs ?? {}).flatMap(({ images = [] }) =>
    images.map(({ filename }) => filename),
  );
  if (entry && !named.includes(output.filename))
    findings.push(`delivered ${output.filename}, but its last attempt made ${named.join(', ') || 'nothing'}`);
  const bytes = await readFile(backend.pathOf(output.filename)).catch(() => Buffer.alloc(0));
  findings.push(...(await checkPicture(order, bytes)));
  if (bytes.length !== output.sizeBytes) findings.push(`has ${output.sizeBytes} bytes, the file ${bytes.length}`);
  if (order.picture && !order.picture.equals(bytes)) findings.push('its caller has another picture than its job');
  return findings;
}

/** The color of an order is in the pixels, its tag in the workflow that ComfyUI writes into the file. */
export async function checkPicture({ color, tag }: Order, bytes: Buffer): Promise<string[]> {
  try {
    const { data } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const [, prompt = ''] = textsOf(bytes).find(([keyword]) => keyword === 'prompt') ?? [];
    if (data.readUIntBE(0, 3) !== color) return [`shows ${data.toString('hex', 0, 3)}, not ${color.toString(16)}`];
    return prompt.includes(`"${tag}"`) ? [] : [`is the picture of ${prompt}`];
  } catch (error) {
    return [`is no picture: ${String(error)}`];
  }
}

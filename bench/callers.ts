import { randomUUID } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { ROOT } from './root';

const EXAMPLE = readFileSync(join(ROOT, 'examples/txt2img.json'), 'utf8');

const PAGE = 200;
const LOOK_AGAIN_MS = 50;
const PATIENCE_MS = 60_000;

interface Page {
  readonly jobs: readonly { readonly queuePosition: number | null }[];
  readonly next: string | null;
}

/** Requests a generation; resolves with the head of the response. */
export function generate(url: string, agent: Agent, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const body = smallWorkflow();
  const content = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/generate`, { method: 'POST', agent, headers: content }, resolve);
    outgoing.on('error', reject).end(body);
  });
}

/** The seven nodes of the example; only the file name is new, so that ComfyUI runs only the last node. */
function smallWorkflow(): string {
  return EXAMPLE.replace('"ComfyUI"', `"${randomUUID()}"`);
}

/** Submits a generation; resolves with the id of the job. */
export async function submit(url: string, agent: Agent): Promise<string> {
  const response = await generate(url, agent, { Prefer: 'respond-async' });
  const body = (await buffer(response)).toString();
  if (response.statusCode !== 202) throw new Error(`Not accepted: ${response.statusCode} ${body.slice(0, 200)}`);
  return (JSON.parse(body) as { id: string }).id;
}

/** The number of jobs that have not ended. */
export async function unendedJobs(url: string): Promise<number> {
  let count = 0;
  let cursor = '';
  for (;;) {
    const response = await fetch(`${url}/jobs?status=queued,running&limit=${PAGE}&cursor=${cursor}`);
    const { jobs, next } = (await response.json()) as Page;
    count += jobs.length;
    if (next === null) return count;
    cursor = next;
  }
}

/** Whether all jobs have ended; a cheap request. */
export async function isIdle(url: string): Promise<boolean> {
  const { jobs } = (await (await fetch(`${url}/jobs?status=queued,running&limit=1`)).json()) as Page;
  return jobs.length === 0;
}

/** The position of the newest queued job. */
export async function lengthOfQueue(url: string): Promise<number> {
  const { jobs } = (await (await fetch(`${url}/jobs?status=queued&limit=1`)).json()) as Page;
  return jobs[0]?.queuePosition ?? 0;
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}.`);
    await setTimeout(LOOK_AGAIN_MS);
  }
}

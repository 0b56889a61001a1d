import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HttpResponse, PromptBody, Received } from './raw-client';

const FOLDER = join(__dirname, '../../fixtures/traces');

interface Line {
  t: number;
  dir: string;
  json?: { type: string; data: Record<string, unknown> };
  bin_head_hex?: string;
  req?: string;
  status?: number;
  body?: unknown;
}

/** A recorded session. */
export interface Trace {
  /** The body of POST /prompt. */
  submitted: PromptBody;
  response: HttpResponse;
  /** All received messages in order; of binary frames only the first bytes. */
  messages: Received[];
  /** The history entry, if it was read. */
  history: Record<string, unknown> | undefined;
}

const binary = ({ bin_head_hex = '' }: Line): Buffer => Buffer.from(bin_head_hex, 'hex');

export function readTrace(name: string): Trace {
  const lines = readFileSync(join(FOLDER, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const entries = lines.map((line) => JSON.parse(line) as Line);
  const submission = entries.findIndex((line) => line.req === 'POST /prompt');
  const response = entries.slice(submission).find((line) => line.dir === 'http>client' && line.req === undefined);
  const read = entries.findLast((line) => isHistoryBody(line.body));
  const received = entries.filter((line) => line.dir === 'ws>client');
  return {
    submitted: entries[submission]?.body as PromptBody,
    response: { status: response?.status ?? 0, body: response?.body },
    messages: received.map((line) => line.json ?? binary(line)),
    history: read && Object.values(read.body as Record<string, Record<string, unknown>>)[0],
  };
}

const isHistoryBody = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && Object.values(body).some((entry) => isEntry(entry));

const isEntry = (entry: unknown): boolean => typeof entry === 'object' && entry !== null && 'outputs' in entry;

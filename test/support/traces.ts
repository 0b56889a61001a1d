import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePythonJson } from '../../src/shared/json';

/** A line of recorded traffic with a real ComfyUI. */
export interface TraceLine {
  readonly t: number;
  readonly dir: string;
  readonly json?: { readonly type: string; readonly data: Record<string, unknown> };
  readonly bin_len?: number;
  readonly bin_head_hex?: string;
  readonly req?: string;
  readonly status?: number;
  readonly body?: unknown;
}

export function readTrace(name: string): TraceLine[] {
  const text = readFileSync(join(__dirname, '..', 'fixtures', 'traces', `${name}.jsonl`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => parsePythonJson(line) as TraceLine);
}

/** The recorded text frames of ComfyUI. */
export function textFrames(name: string): string[] {
  return readTrace(name)
    .filter(({ dir, json }) => dir === 'ws>client' && json !== undefined)
    .map(({ json }) => JSON.stringify(json));
}

import type { GenerationRow } from '../../domain/generation-row';
import { TableRefusal } from './table-errors';

const TIME = new Date(0).toISOString();

/**
 * A valid row except for its status. PostgreSQL checks in this order: table and columns exist, values fit, the key may insert
 * and update, row-level security accepts the row, required columns are set, and only then check constraints. So if the
 * status is the reason for the refusal, everything else is correct and nothing was written.
 */
export const PROBE: GenerationRow = {
  job_id: '00000000-0000-0000-0000-000000000000',
  status: 'probe',
  label: 'nestjs-comfyui checks whether it can write here',
  prompt: '',
  negative_prompt: '',
  seed: '18446744073709551615',
  width: 1,
  height: 1,
  steps: 1,
  cfg: 0.5,
  sampler: '',
  scheduler: '',
  denoise: 0.5,
  model: '',
  models: [''],
  loras: [{}],
  workflow_hash: '0'.repeat(64),
  files: [{}],
  image_urls: [''],
  error_code: '',
  error_message: '',
  attempts: 1,
  queued_at: TIME,
  started_at: TIME,
  ended_at: TIME,
  duration_ms: 5_000_000_000,
};

/** Whether the probe was refused because of its status (check_violation). */
export function isProbeRefused(error: unknown): boolean {
  return error instanceof TableRefusal && error.code === '23514';
}

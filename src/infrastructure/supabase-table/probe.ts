import type { GenerationRow } from '../../domain/generation-row';
import { TableRefusal } from './table-errors';

const TIME = new Date(0).toISOString();

/**
 * A row that has everything but a status that there is. PostgreSQL looks at it in this order: whether the table and all its
 * columns are there, whether the values fit, whether the key may insert and update, whether row-level security lets the row
 * in, whether a column that must be set is not, and only then at what values are allowed. So whoever is refused for the
 * status is refused for nothing else, and nothing was written.
 */
export const PROBE: GenerationRow = {
  job_id: '00000000-0000-0000-0000-000000000000',
  status: 'probe',
  label: 'nestjs-comfyui tries whether it can write here',
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

/** Whether it was refused for its status: check_violation. */
export function isProbeRefused(error: unknown): boolean {
  return error instanceof TableRefusal && error.code === '23514';
}

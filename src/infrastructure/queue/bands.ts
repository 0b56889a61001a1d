import { PRIORITY_STEP_MS } from '../../application/jobs/job-queue';
import type { Job } from '../../domain/job/job';

const HIGHEST_PRIORITY = 100;

/** What BullMQ calls priority: 201..1, lower is sooner. Each step of waiting is worth one of priority, up to the front. */
export function bandOf({ priority, queuedAt }: Pick<Job, 'priority' | 'queuedAt'>, now: number): number {
  const steps = Math.max(0, Math.floor((now - queuedAt) / PRIORITY_STEP_MS));
  return Math.max(1, 1 + HIGHEST_PRIORITY - priority - steps);
}

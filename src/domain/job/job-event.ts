import type { CollectedFile, Job } from './job';
import type { Preview } from './run-event';

/**
 * An event in the stream of a job. A slow reader may miss `progress` and `preview`, never `status` or `output`.
 *
 * @publicApi
 */
export type JobEvent =
  | { readonly kind: 'status' | 'progress'; readonly job: Job }
  | { readonly kind: 'preview'; readonly job: Job; readonly preview: Preview }
  | { readonly kind: 'output'; readonly job: Job; readonly file: CollectedFile };

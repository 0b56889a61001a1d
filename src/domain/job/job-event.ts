import type { CollectedFile, Job } from './job';
import type { Preview } from './run-event';

/** What a viewer of a job is told. A slow one may miss `progress` and `preview`, never `status` or `output`. */
export type JobEvent =
  | { readonly kind: 'status' | 'progress'; readonly job: Job }
  | { readonly kind: 'preview'; readonly job: Job; readonly preview: Preview }
  | { readonly kind: 'output'; readonly job: Job; readonly file: CollectedFile };

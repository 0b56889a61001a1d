import { ComfyUIError } from '../errors';
import type { CollectedFile } from './job';
import type { OutputText } from './outputs';
import type { RunEvent } from './run-event';
import type { NodeErrors } from '../workflow/node-errors';

/** A backend is assigned to the job. Stored before the prompt is sent. */
export interface Assigned {
  readonly kind: 'assigned';
  readonly backend: string;
  readonly promptId: string;
}

/** The backend accepted the prompt with these ids. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly promptId: string;
  readonly clientId: string | null;
  readonly number: number | null;
  readonly nodeErrors: NodeErrors;
}

/**
 * Another process, or this one after a restart, takes over the job: the revision continues above every value that the
 * previous process may have published.
 */
export interface Resumed {
  readonly kind: 'resumed';
}

/** The job returns to the queue for another attempt. */
export interface Requeued {
  readonly kind: 'requeued';
  readonly error: ComfyUIError;
}

/** The files that could not be stored when the job ran are stored now. */
export interface Recovered {
  readonly kind: 'recovered';
  readonly outputs: readonly CollectedFile[];
  readonly texts: readonly OutputText[];
}

/** A change of a job: an event of its run on ComfyUI, or a step of the service. */
export type JobChange =
  | RunEvent
  | Assigned
  | Accepted
  | Resumed
  | Requeued
  | Recovered
  | { readonly kind: 'collected'; readonly file: CollectedFile }
  | { readonly kind: 'texts'; readonly texts: readonly OutputText[] }
  | { readonly kind: 'cancel-requested' }
  | { readonly kind: 'succeeded'; readonly outputs: readonly CollectedFile[] }
  | { readonly kind: 'failed' | 'expired' | 'canceled'; readonly error: ComfyUIError };

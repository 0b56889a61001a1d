import { ComfyUIError } from '../errors';
import type { CollectedFile } from './job';
import type { OutputText } from './outputs';
import type { RunEvent } from './run-event';
import type { NodeErrors } from '../workflow/node-errors';

/** The job is handed to a server: stored before anything is sent there. */
export interface Assigned {
  readonly kind: 'assigned';
  readonly backend: string;
  readonly promptId: string;
}

/** The server took it, under these ids. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly promptId: string;
  readonly clientId: string | null;
  readonly number: number | null;
  readonly nodeErrors: NodeErrors;
}

/**
 * It is followed by another process, or again after a start: its revision goes on above all that the process before may have
 * told.
 */
export interface Resumed {
  readonly kind: 'resumed';
}

/** It comes back to wait for another try. */
export interface Requeued {
  readonly kind: 'requeued';
  readonly error: ComfyUIError;
}

/** Its files, which could not be stored when it ran, are stored now. */
export interface Recovered {
  readonly kind: 'recovered';
  readonly outputs: readonly CollectedFile[];
  readonly texts: readonly OutputText[];
}

/** What happened to a job: what ComfyUI says of its run, and what we did about it. */
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

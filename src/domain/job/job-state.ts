import type { Workflow } from '../workflow/workflow';
import { requirementsOf } from '../workflow/requirements';
import { seedsOf } from '../workflow/seeds';
import {
  type Attempt,
  currentAttempt,
  DEFAULT_JOB_OPTIONS,
  hasEnded,
  isCollectable,
  type Job,
  type JobOptions,
} from './job';
import type { Accepted, Assigned, JobChange, Recovered, Requeued } from './job-change';
import { advanceNodeTimes, NO_NODE_TIMES, type NodeTimes, nodeDurations } from './node-times';
import { advanceProgress, completedProgress, initialProgress, type RunProgress } from './progress';
import type { RunEvent } from './run-event';

/**
 * A job with the data to track its run. Immutable: {@link advance} creates the next state.
 *
 * @publicApi
 */
export interface JobState extends Job {
  readonly workflow: Workflow;
  readonly run: RunProgress;
  readonly nodeTimes: NodeTimes;
}

/** Shared by all jobs without entries, to save memory: thousands may wait. */
const NOTHING: readonly never[] = Object.freeze([]);
const NO_DURATIONS = Object.freeze({});

export interface NewJob extends Partial<JobOptions> {
  readonly id: string;
  readonly workflow: Workflow;
  readonly queuedAt: number;
  readonly startBy?: number | null;
  readonly labels?: readonly string[];
}

export function newJob({ id, workflow, queuedAt, startBy = null, labels, ...options }: NewJob): JobState {
  const run = initialProgress(workflow);
  return {
    ...jobOptions(options),
    id,
    revision: 0,
    status: 'queued',
    requirements: requirementsOf(workflow, labels),
    seeds: seedsOf(workflow),
    backend: null,
    fencingToken: 0,
    attempts: NOTHING,
    cancelRequested: false,
    progress: run.snapshot,
    outputs: NOTHING,
    texts: NOTHING,
    nodeDurations: NO_DURATIONS,
    queuedAt,
    startBy,
    workflow,
    run,
    nodeTimes: NO_NODE_TIMES,
  };
}

/** The options among other fields, with defaults. */
function jobOptions(given: Partial<JobOptions>): JobOptions {
  const names = Object.keys(DEFAULT_JOB_OPTIONS) as (keyof JobOptions)[];
  const chosen = names.map((name) => [name, given[name] ?? DEFAULT_JOB_OPTIONS[name]]);
  return { ...DEFAULT_JOB_OPTIONS, ...Object.fromEntries(chosen) };
}

/** More than the number of progress changes in one run: they raise the revision and are not stored. */
const UNSTORED_REVISIONS = 1_000_000;

/** The state of a stored job, so that later events continue it. */
export function activate(job: Job, workflow: Workflow): JobState {
  return {
    ...job,
    workflow,
    run: { ...initialProgress(workflow), snapshot: job.progress },
    nodeTimes: NO_NODE_TIMES,
  };
}

/** The part of the state that is stored. */
export function recordOf({ workflow: _workflow, run: _run, nodeTimes: _times, ...job }: JobState): Job {
  return job;
}

/**
 * The job after a change; the same object when the change has no effect. An ended job no longer changes, except that
 * `recovered` turns a job that failed with `storage_failed` into `succeeded`.
 */
export function advance(job: JobState, change: JobChange, now: number): JobState {
  if (hasEnded(job) !== (change.kind === 'recovered')) return job;
  const next = apply(job, change, now);
  if (next === job) return job;
  return { ...next, revision: job.revision + (change.kind === 'resumed' ? UNSTORED_REVISIONS : 1) };
}

function apply(job: JobState, change: JobChange, now: number): JobState {
  switch (change.kind) {
    case 'assigned':
      return assign(job, change, now);
    case 'resumed':
      return { ...job };
    case 'accepted':
      return accept(job, change);
    case 'requeued':
      return requeue(job, change, now);
    case 'started':
      return start(job, now);
    case 'collected':
      return { ...job, outputs: [...job.outputs, change.file] };
    case 'texts':
      return { ...job, texts: change.texts };
    case 'cancel-requested':
      return { ...job, cancelRequested: true, status: job.status === 'running' ? 'canceling' : job.status };
    case 'succeeded':
      return { ...end(job, change.kind, now), outputs: change.outputs, progress: completedProgress(job.run) };
    case 'recovered':
      return recover(job, change, now);
    case 'failed':
    case 'expired':
    case 'canceled':
      return { ...end(job, change.kind, now, change.error), error: change.error };
    default:
      return follow(job, change, now);
  }
}

/** The job as it is assigned to a backend, without its revision. */
function assign<T extends Job>(job: T, { backend, promptId }: Assigned, now: number): T {
  const attempt: Attempt = { number: job.attempts.length + 1, backend, promptId, clientId: null, handedAt: now };
  const fencingToken = job.fencingToken + 1;
  return { ...job, backend, fencingToken, attempts: [...job.attempts, attempt], acceptance: undefined };
}

/** A waiting job after its assignment. */
export function assigned<T extends Job>(job: T, change: Assigned, now: number): T {
  return { ...assign(job, change, now), revision: job.revision + 1 };
}

function accept(job: JobState, { promptId, clientId, number, nodeErrors }: Accepted): JobState {
  return { ...withCurrentAttempt(job, { promptId, clientId }), acceptance: { number, nodeErrors } };
}

function start(job: JobState, now: number): JobState {
  if (currentAttempt(job)?.startedAt !== undefined) return job;
  const status = job.status !== 'queued' ? job.status : job.cancelRequested ? 'canceling' : 'running';
  return { ...withCurrentAttempt(job, { startedAt: now }), status, startedAt: job.startedAt ?? now };
}

/**
 * The outputs of an abandoned attempt leave the snapshot. An attempt that had not started is removed, unless the backend
 * was reachable and did not start it (`stalled`): counting it keeps the number of retries finite.
 */
function requeue(job: JobState, { error: { code, message } }: Requeued, now: number): JobState {
  const counts = currentAttempt(job)?.startedAt !== undefined || code === 'stalled';
  const ended = { endedAt: now, error: { code, message } };
  const attempts = counts ? withCurrentAttempt(job, ended).attempts : job.attempts.slice(0, -1);
  const run = initialProgress(job.workflow);
  const fresh = { run, progress: run.snapshot, nodeTimes: NO_NODE_TIMES, nodeDurations: {}, outputs: [], texts: [] };
  return { ...job, ...fresh, attempts, backend: null, fencingToken: job.fencingToken + 1, acceptance: undefined };
}

function end(job: JobState, status: Job['status'], now: number, error?: { code: string; message: string }): JobState {
  const { startedAt } = currentAttempt(job) ?? {};
  const reason = error && { error: { code: error.code, message: error.message } };
  const ended =
    startedAt === undefined || job.backend === null ? job : withCurrentAttempt(job, { endedAt: now, ...reason });
  return {
    ...ended,
    status,
    endedAt: now,
    backend: null,
    fencingToken: job.fencingToken + 1,
    nodeDurations: nodeDurations(job.nodeTimes, now),
  };
}

function recover(job: JobState, { outputs, texts }: Recovered, now: number): JobState {
  if (!isCollectable(job)) return job;
  const { error: _error, ...attempt } = currentAttempt(job) ?? {};
  const attempts = [...job.attempts.slice(0, -1), attempt as Attempt];
  const { error: _reason, ...rest } = job;
  const fencingToken = job.fencingToken + 1;
  const progress = completedProgress(job.run);
  return { ...rest, status: 'succeeded', endedAt: now, attempts, outputs, texts, progress, fencingToken };
}

function withCurrentAttempt(job: JobState, changes: Partial<Attempt>): JobState {
  const current = currentAttempt(job);
  return current ? { ...job, attempts: [...job.attempts.slice(0, -1), { ...current, ...changes }] } : job;
}

function follow(job: JobState, event: RunEvent, now: number): JobState {
  const run = advanceProgress(job.run, event, job.workflow);
  const nodeTimes = advanceNodeTimes(job.nodeTimes, event, job.workflow, now);
  if (run === job.run && nodeTimes === job.nodeTimes) return job;
  return { ...job, run, progress: run.snapshot, nodeTimes, nodeDurations: nodeDurations(nodeTimes) };
}

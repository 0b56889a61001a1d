import type { Workflow } from '../workflow/workflow';
import { requirementsOf } from '../workflow/requirements';
import { seedsOf } from '../workflow/seeds';
import { type Attempt, currentAttempt, hasEnded, isCollectable, type Job } from './job';
import type { Accepted, Assigned, JobChange, Recovered, Requeued } from './job-change';
import { advanceNodeTimes, NO_NODE_TIMES, type NodeTimes, nodeDurations } from './node-times';
import { advanceProgress, completedProgress, initialProgress, type RunProgress } from './progress';
import type { RunEvent } from './run-event';

/** A job with what it takes to follow its run. Immutable: {@link advance} makes the next one. */
export interface JobState extends Job {
  readonly workflow: Workflow;
  readonly run: RunProgress;
  readonly nodeTimes: NodeTimes;
}

/** Shared by all jobs that have none yet: thousands may wait. */
const NOTHING: readonly never[] = Object.freeze([]);
const NO_DURATIONS = Object.freeze({});

export interface NewJob {
  readonly id: string;
  readonly workflow: Workflow;
  readonly queuedAt: number;
  readonly startBy?: number | null;
  readonly priority?: number;
  readonly allowPartial?: boolean;
  readonly keepPreviews?: boolean;
  readonly label?: string | null;
  readonly labels?: readonly string[];
}

export function newJob({ id, workflow, queuedAt, ...preferences }: NewJob): JobState {
  const run = initialProgress(workflow);
  return {
    id,
    revision: 0,
    status: 'queued',
    priority: preferences.priority ?? 0,
    allowPartial: preferences.allowPartial ?? false,
    keepPreviews: preferences.keepPreviews ?? false,
    label: preferences.label ?? null,
    requirements: requirementsOf(workflow, preferences.labels),
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
    startBy: preferences.startBy ?? null,
    workflow,
    run,
    nodeTimes: NO_NODE_TIMES,
  };
}

/** Progress raises the revision and is not stored: more than one run can bring. */
const UNSTORED_REVISIONS = 1_000_000;

/** A stored job, to be followed again: what is heard from now on adds to it. */
export function activate(job: Job, workflow: Workflow): JobState {
  return {
    ...job,
    workflow,
    run: { ...initialProgress(workflow), snapshot: job.progress },
    nodeTimes: NO_NODE_TIMES,
  };
}

/** The durable part. */
export function recordOf({ workflow: _workflow, run: _run, nodeTimes: _times, ...job }: JobState): Job {
  return job;
}

/**
 * The job after a change; the same object when the change does not concern it. An ended job changes no more, unless it
 * failed because its files could not be stored, and now they are.
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
      return hand(job, change, now);
    case 'resumed':
      return { ...job };
    case 'accepted':
      return accept(job, change);
    case 'requeued':
      return takeBack(job, change, now);
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
      return recollect(job, change, now);
    case 'failed':
    case 'expired':
    case 'canceled':
      return { ...end(job, change.kind, now, change.error), error: change.error };
    default:
      return follow(job, change, now);
  }
}

function hand(job: JobState, { backend, promptId }: Assigned, now: number): JobState {
  const attempt: Attempt = { number: job.attempts.length + 1, backend, promptId, clientId: null, handedAt: now };
  const fencingToken = job.fencingToken + 1;
  return { ...job, backend, fencingToken, attempts: [...job.attempts, attempt], acceptance: undefined };
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
 * What an abandoned attempt put out leaves the snapshot. An attempt that had not started leaves no trace, unless its server
 * was alive and did not start it: that may go on for ever.
 */
function takeBack(job: JobState, { error }: Requeued, now: number): JobState {
  const counts = currentAttempt(job)?.startedAt !== undefined || error.code === 'stalled';
  const told = { code: error.code, message: error.message };
  const attempts = counts ? withCurrentAttempt(job, { endedAt: now, error: told }).attempts : job.attempts.slice(0, -1);
  const run = initialProgress(job.workflow);
  const fresh = { run, progress: run.snapshot, nodeTimes: NO_NODE_TIMES, nodeDurations: {}, outputs: [], texts: [] };
  return { ...job, ...fresh, attempts, backend: null, fencingToken: job.fencingToken + 1, acceptance: undefined };
}

function end(job: JobState, status: Job['status'], now: number, error?: { code: string; message: string }): JobState {
  const { startedAt } = currentAttempt(job) ?? {};
  const why = error && { error: { code: error.code, message: error.message } };
  const ended =
    startedAt === undefined || job.backend === null ? job : withCurrentAttempt(job, { endedAt: now, ...why });
  return {
    ...ended,
    status,
    endedAt: now,
    backend: null,
    fencingToken: job.fencingToken + 1,
    nodeDurations: nodeDurations(job.nodeTimes, now),
  };
}

function recollect(job: JobState, { outputs, texts }: Recovered, now: number): JobState {
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

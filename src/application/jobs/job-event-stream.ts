import { type CollectedFile, hasEnded } from '../../domain/job/job';
import type { JobEvent } from '../../domain/job/job-event';
import type { JobState } from '../../domain/job/job-state';
import type { Preview } from '../../domain/job/run-event';
import type { JobSession, WhenUnreachable } from './job-session';

export interface EventOptions {
  /** Repeats the progress after this many milliseconds without a change. */
  readonly repeatAfterMs?: number;
  readonly signal?: AbortSignal;
  readonly whenUnreachable?: WhenUnreachable;
}

/** What the reader has seen. */
interface Seen {
  readonly job: JobState | undefined;
  readonly preview: Preview | undefined;
  readonly outputs: Set<string>;
}

/**
 * See `JobService.events`. Each turn compares what the reader has seen with what is.
 * @param untilStored resolves when the job is stored as it is
 */
export async function* jobEvents(
  session: JobSession,
  untilStored: () => Promise<void>,
  { repeatAfterMs = Infinity, signal, whenUnreachable = 'queue' }: EventOptions,
): AsyncGenerator<JobEvent, void, undefined> {
  let seen: Seen = { job: undefined, preview: undefined, outputs: new Set() };
  for (;;) {
    const { job, preview } = session;
    yield* stateEvents(session, untilStored, seen);
    if (preview && preview !== seen.preview) yield { kind: 'preview', job, preview };
    const unseen = job.outputs.filter(({ assetId }) => !seen.outputs.has(assetId));
    if (unseen.length > 0) await untilStored();
    yield* outputEvents(job, unseen, seen);
    if (hasEnded(job)) return;
    session.throwIfRejected(whenUnreachable);
    seen = { ...seen, job, preview };
    if (session.job === job && session.preview === preview) await session.changes(signal, repeatAfterMs);
    if (signal?.aborted) return;
  }
}

async function* stateEvents(
  session: JobSession,
  untilStored: () => Promise<void>,
  seen: Seen,
): AsyncGenerator<JobEvent, void, undefined> {
  const { job } = session;
  if (job.status !== seen.job?.status) {
    await untilStored();
    yield { kind: 'status', job };
  } else if (job === seen.job || job.progress !== seen.job.progress) yield { kind: 'progress', job };
}

function* outputEvents(
  job: JobState,
  files: readonly CollectedFile[],
  { outputs }: Seen,
): Generator<JobEvent, void, undefined> {
  for (const file of files) {
    outputs.add(file.assetId);
    yield { kind: 'output', job, file };
  }
}

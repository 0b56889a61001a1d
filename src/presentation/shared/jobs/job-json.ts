import type { JobView } from '../../../application/jobs/job.service';
import type { ComfyUIError } from '../../../domain/errors';
import type { Attempt, CollectedFile } from '../../../domain/job/job';
import type { UrlBuilder } from '../url-builder';
import { jsonSafe } from '../json-safe';
import type { AttemptDto } from './attempt.dto';
import type { JobDto } from './job.dto';
import type { JobErrorDto, JobOutputDto } from './job-parts.dto';

/** A job as callers see it: without what is only ours, times as ISO 8601. */
export function jobJson({ job, queuePosition }: JobView, urls: UrlBuilder): JobDto {
  return {
    id: job.id,
    revision: job.revision,
    status: job.status,
    queuePosition,
    priority: job.priority,
    progress: job.progress,
    outputs: job.outputs.map((file) => outputJson(file, urls)),
    texts: [...job.texts],
    error: job.error ? errorJson(job.error) : null,
    attempts: job.attempts.map(attemptJson),
    acceptance: job.acceptance ? { number: job.acceptance.number, nodeErrors: job.acceptance.nodeErrors } : null,
    cancelRequested: job.cancelRequested,
    seeds: [...job.seeds],
    labels: [...job.requirements.labels],
    label: job.label,
    keepPreviews: job.keepPreviews,
    queuedAt: isoTime(job.queuedAt),
    startedAt: isoTimeOrNull(job.startedAt),
    endedAt: isoTimeOrNull(job.endedAt),
    nodeDurations: job.nodeDurations,
  };
}

export function outputJson(file: CollectedFile, urls: UrlBuilder): JobOutputDto {
  const { assetId, nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds } = file;
  const facts = { nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds };
  return { assetId, ...facts, url: urls.asset(assetId) };
}

function attemptJson({ number, backend, promptId, handedAt, startedAt, endedAt, error }: Attempt): AttemptDto {
  return {
    number,
    backend,
    promptId,
    handedAt: isoTime(handedAt),
    startedAt: isoTimeOrNull(startedAt),
    endedAt: isoTimeOrNull(endedAt),
    error: error ? { code: error.code, message: error.message } : null,
  };
}

/** Which node failed and how stands beside the message; whatever else the details say stays in them. */
function errorJson({ code, message, details = {} }: ComfyUIError): JobErrorDto {
  const { nodeId, classType, exceptionType, traceback, ...more } = jsonSafe(details);
  const node = { nodeId, nodeClass: classType, exceptionType, traceback } as Partial<JobErrorDto>;
  return { code, message, ...node, details: Object.keys(more).length > 0 ? more : undefined };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function isoTimeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}

import type { ApiOperationOptions, ApiQueryOptions, ApiResponseOptions } from '@nestjs/swagger';
import { JOB_STATUSES } from '../../../domain/job/job';
import { EXAMPLE_WORKFLOW } from '../../shared/generate/example-workflow';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../shared/jobs/job-query.dto';

const EVENTS_EXAMPLE = `id: 17
event: job
data: {"id":"0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","revision":17,"status":"running",…,"preview":{"nodeId":"3","mediaType":"image/jpeg","base64":"/9j/4AAQSkZJRg…"}}

id: 18
event: progress
data: {"id":"0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","status":"running","attempt":1,"value":0.4231,"nodesDone":4,"nodesTotal":7,"currentNode":"3","currentNodeClass":"KSampler","step":7,"steps":20}

id: 31
event: output
data: {"nodeId":"9","filename":"ComfyUI_00001_.png","subfolder":"","type":"output","mediaType":"image/png","sizeBytes":392817,"width":512,"height":512}

id: 32
event: end
data: {"id":"0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","revision":32,"status":"succeeded",…}

`;

/** The documentation of `/jobs`, where it is longer than a line. */
export const JOBS_DOCS = {
  list: {
    summary: 'The jobs, newest first',
    description: 'Jobs that are added or change their status meanwhile neither shift nor repeat others on later pages.',
  } satisfies ApiOperationOptions,

  status: {
    name: 'status',
    required: false,
    isArray: true,
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    description: 'Only jobs with any of these; repeated, or separated by commas.',
  } satisfies ApiQueryOptions,

  limit: {
    name: 'limit',
    required: false,
    description: 'Largest number of jobs.',
    schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  } satisfies ApiQueryOptions,

  cursor: {
    name: 'cursor',
    required: false,
    description: '`next` of the page before.',
    schema: { type: 'string' },
  } satisfies ApiQueryOptions,

  cancel: {
    summary: 'Cancel a job that waits or runs',
    description:
      'Responds at once. A job that runs is `canceling` until its server has stopped it, and may still finish first; a job that has ended stays as it is.',
  } satisfies ApiOperationOptions,

  collect: {
    summary: 'Collect the files of a job that failed with storage_failed',
    description:
      'The run succeeded, and its files could not be stored. While ComfyUI still has them, they are fetched and stored now, without another run: the job is `succeeded` then. Responds when that is done.',
  } satisfies ApiOperationOptions,

  workflow: {
    description: 'The workflow: nodes in the order they were submitted, integers exact.',
    content: {
      'application/json': {
        schema: { type: 'object', additionalProperties: true, example: EXAMPLE_WORKFLOW },
      },
    },
  } satisfies ApiResponseOptions,

  events: {
    summary: 'Watch a job',
    description: [
      'Server-sent events, for any number of viewers, each with the revision of the job as its `id`:',
      '- `job`: the whole job, at first (with `preview`, the last one, if there is one) and whenever its status changes.',
      '- `progress` on every change, and every few seconds with the current `queuePosition` while it waits. When its `attempt` grows, the outputs of earlier events are void.',
      '- `preview` when ComfyUI sends previews, `output` when a file is ready.',
      '- `end`: the whole job, once, at once if it has ended already; then the server closes the stream.',
      '',
      'A comment keeps an idle connection open. A viewer that reconnects starts with `job` again, whatever `Last-Event-ID` says.',
      "A browser's `EventSource` reconnects after every end of a stream: close it on `end`. A stream without `end` means that the service shuts down: reconnect.",
    ].join('\n'),
  } satisfies ApiOperationOptions,

  stream: {
    description: 'The events.',
    content: { 'text/event-stream': { schema: { type: 'string', example: EVENTS_EXAMPLE } } },
  } satisfies ApiResponseOptions,
} as const;

import type { ApiHeaderOptions, ApiOperationOptions, ApiResponseOptions } from '@nestjs/swagger';

const EVENTS_EXAMPLE = `event: progress
data: {"id":"0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","status":"running","attempt":1,"elapsedMs":2040,"value":0.4231,"nodesDone":4,"nodesTotal":7,"currentNode":"3","currentNodeClass":"KSampler","step":7,"steps":20}

event: preview
data: {"nodeId":"3","mediaType":"image/jpeg","base64":"/9j/4AAQSkZJRg…"}

event: output
data: {"assetId":"4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","nodeId":"9","filename":"ComfyUI_00001_.png","mediaType":"image/png","width":512,"height":512,"sizeBytes":392817,"url":"/assets/4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","base64":"iVBORw0KGgo…"}

event: result
data: {"id":"0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","images":[{"assetId":"4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d","nodeId":"9","filename":"ComfyUI_00001_.png","mediaType":"image/png","width":512,"height":512,"sizeBytes":392817,"url":"/assets/4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d"}],"files":[],"texts":[],"attempts":1,"durationMs":5210}

`;

/** The documentation of `POST /generate`, which has three kinds of response. */
export const GENERATE_DOCS = {
  operation: {
    summary: 'Run a workflow and get the image',
    description: [
      'Waits for the run and responds by `Accept`:',
      '- `application/json` (default): all outputs as base64, or with `"response": "url"` as links; `image` is the first image.',
      '- `image/png` or `image/*`: the bytes of the first image, nothing else.',
      '- `text/event-stream`: `progress` on every change and at least once a second, `preview` when ComfyUI sends previews, `output` as each file is ready, then one `result` or one `error`.',
      '',
      'With `Prefer: respond-async` it responds 202 at once, or with `respond-async, wait=N` after N seconds without a result: the job waits for a server, also while none can be reached, and survives a restart. With `Accept: text/event-stream` the response is an event stream all the same.',
      '',
      'After the time-out (504) the job goes on. The id of the job is in `X-Job-Id`, on errors too.',
    ].join('\n'),
  } satisfies ApiOperationOptions,

  prefer: {
    name: 'Prefer',
    required: false,
    description:
      'How long to wait, seconds (RFC 7240); the `timeout` field wins. `respond-async`: do not wait for the result.',
    schema: { type: 'string', example: 'wait=30' },
  } satisfies ApiHeaderOptions,

  idempotencyKey: {
    name: 'Idempotency-Key',
    required: false,
    description:
      'A unique name for this request, 1 to 255 printable ASCII characters: the same key within 24 hours returns the same job instead of another.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  } satisfies ApiHeaderOptions,

  accepted: (jobSchema: string): ApiResponseOptions => ({
    description: '`Prefer: respond-async`: the job, which goes on without the caller.',
    headers: {
      Location: { description: 'The path of the job.', schema: { type: 'string' } },
      'Preference-Applied': { description: '`respond-async`', schema: { type: 'string' } },
      'X-Job-Id': { description: 'The job.', schema: { type: 'string', format: 'uuid' } },
    },
    content: { 'application/json': { schema: { $ref: jobSchema } } },
  }),

  result: (generationSchema: string): ApiResponseOptions => ({
    description: 'The result of the run.',
    headers: { 'X-Job-Id': { description: 'The job.', schema: { type: 'string', format: 'uuid' } } },
    content: {
      'application/json': { schema: { $ref: generationSchema } },
      'image/png': { schema: { type: 'string', format: 'binary', description: 'The first image.' } },
      'text/event-stream': { schema: { type: 'string', example: EVENTS_EXAMPLE } },
    },
  }),
} as const;

/** The patterns of the messages, for the service and its callers. */
export const PATTERNS = {
  status: 'comfyui.status',
  workflow: 'comfyui.workflow',
  generate: 'generate',
  job: 'jobs.get',
  jobs: 'jobs.list',
  cancel: 'jobs.cancel',
  events: 'jobs.events',
  /** An event without a response: a caller unsubscribed from a stream. */
  unsubscribe: 'comfyui.unsubscribe',
} as const;

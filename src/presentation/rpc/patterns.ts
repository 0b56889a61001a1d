/** What the service answers, and what its callers say to it; nobody else writes these. */
export const PATTERNS = {
  status: 'comfyui.status',
  workflow: 'comfyui.workflow',
  generate: 'generate',
  job: 'jobs.get',
  jobs: 'jobs.list',
  cancel: 'jobs.cancel',
  events: 'jobs.events',
  /** An event, which nobody answers: a caller stopped listening to a stream. */
  unsubscribe: 'comfyui.unsubscribe',
} as const;

/** Wishes to cancel jobs that another process may run. All calls reject with `ComfyUIError` `storage_failed`. */
export abstract class JobCancels {
  /** Notes that a job is to be canceled, for whoever runs it. @returns whether it is handed to a server and has not ended */
  abstract request(jobId: string): Promise<boolean>;

  /** The ids of jobs handed to these servers that are to be canceled. */
  abstract requested(backends: readonly string[]): Promise<readonly string[]>;
}

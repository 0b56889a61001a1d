/** Jobs that have been kept for long enough. */
export abstract class OldJobs {
  /**
   * Deletes some jobs that ended before a time, with what is known of their files, at most `limit`. Those that are still to
   * be published stay.
   * @returns how many
   * @throws ComfyUIError `storage_failed`
   */
  abstract remove(endedBefore: number, limit: number): Promise<number>;
}

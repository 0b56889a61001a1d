const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether there can be such a job: callers ask for anything. */
export function isJobId(id: string): boolean {
  return UUID.test(id);
}

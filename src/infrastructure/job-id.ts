const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a text from a client has the format of a job id. */
export function isJobId(id: string): boolean {
  return UUID.test(id);
}

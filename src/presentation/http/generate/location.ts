/**
 * Where a job is to be found, from the address its request came to: beside `/generate`, under whatever prefix or version
 * the host application put it. A path only: who knows by what name the caller knows this server.
 */
export function jobLocation(requestUrl: string, jobId: string): string {
  const { pathname } = new URL(requestUrl, 'http://localhost');
  return `${pathname.replace(/^\/+/, '/').replace(/\/[^/]*\/?$/, '')}/jobs/${jobId}`;
}

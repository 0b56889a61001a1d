import { STATUS_CODES } from 'node:http';
import { dumpJson } from '../python-json';
import { Reply } from './exchange';

export const json = (body: unknown, status = 200): Reply => ({
  status,
  headers: { 'Content-Type': 'application/json; charset=utf-8' },
  body: dumpJson(body),
});

/** The response to actions and most refusals: without a body. */
export const empty = (status = 200): Reply => ({ status });

export const text = (body: string, status: number, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
  body,
});

/** The response to any exception in a handler, malformed JSON included; HTML for browsers. */
export const serverError = (accept: string | undefined): Reply =>
  accept?.includes('text/html') === true
    ? {
        status: 500,
        headers: { 'Content-Type': 'text/html; charset=utf-8' },
        body: '<html><head><title>500 Internal Server Error</title></head><body>\n<h1>500 Internal Server Error</h1>\nServer got itself in trouble\n</body></html>\n',
      }
    : text('500 Internal Server Error\n\nServer got itself in trouble', 500);

/** The error page of an nginx in front of ComfyUI. */
export function proxyPage(status: number): Reply {
  const title = `${status} ${STATUS_CODES[status] ?? ''}`;
  const headers: Record<string, string> = { 'Content-Type': 'text/html', Server: 'nginx/1.24.0' };
  if (status === 401) headers['WWW-Authenticate'] = 'Basic realm="ComfyUI"';
  if (status === 429 || status === 503) headers['Retry-After'] = '1';
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers, body };
}

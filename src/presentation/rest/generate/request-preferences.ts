import Negotiator from 'negotiator';
import type { WhenUnreachable } from '../../../application/jobs/job-session';
import { parseIdempotencyKey } from '../../shared/generate/idempotency-key.pipe';
import type { HasUrl } from '../../shared/url-builder';

export interface AnyRequest extends HasUrl {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export type ResponseFormat = 'json' | 'image' | 'events';

/** What the headers of a request ask for. */
export interface RequestPreferences {
  readonly format: ResponseFormat;
  /** Respond with the job, at once or after {@link waitSeconds}. */
  readonly respondAsync: boolean;
  readonly waitSeconds: number | undefined;
  /** A caller that waits for the image gets an error instead of waiting for a server. */
  readonly whenUnreachable: WhenUnreachable;
  readonly idempotencyKey: string | undefined;
}

/** @throws ComfyUIError `invalid_request` */
export function parseRequestPreferences({ headers }: AnyRequest): RequestPreferences {
  const format = parseAccept(joined(headers.accept));
  const { respondAsync: mayRespondAsync, waitSeconds } = parsePrefer(joined(headers.prefer));
  const respondAsync = mayRespondAsync && format !== 'events';
  return {
    format,
    respondAsync,
    waitSeconds,
    whenUnreachable: respondAsync ? 'queue' : 'refuse',
    idempotencyKey: parseIdempotencyKey(joined(headers['idempotency-key'])),
  };
}

/** The format of the response; JSON when any is accepted, or none of these. */
export function parseAccept(accept: string | undefined): ResponseFormat {
  for (const mediaType of new Negotiator({ headers: { accept } }).mediaTypes()) {
    if (mediaType === 'text/event-stream') return 'events';
    if (mediaType.startsWith('image/')) return 'image';
    if (mediaType === 'application/json' || mediaType.startsWith('*/') || mediaType === 'application/*') return 'json';
  }
  return 'json';
}

/** Text between commas, and text before a semicolon, outside of quotes. */
const PREFERENCES = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const WITHOUT_PARAMETERS = /^(?:[^;"]|"(?:[^"\\]|\\.)*"?)*/;
const QUOTED = /^"(.*)"$/s;
const SECONDS = /^\d{1,5}(?:\.\d+)?$/;

/** The header `Prefer` (RFC 7240). Of repeated preferences the first counts; unknown and malformed ones are ignored. */
export function parsePrefer(prefer = ''): Pick<RequestPreferences, 'respondAsync' | 'waitSeconds'> {
  const preferences = new Map<string, string>();
  for (const [preference] of prefer.matchAll(PREFERENCES)) {
    const [text = ''] = WITHOUT_PARAMETERS.exec(preference) ?? [];
    const [name = '', ...value] = text.split('=').map((part) => part.trim());
    const key = name.toLowerCase();
    if (!preferences.has(key)) preferences.set(key, value.join('=').replace(QUOTED, '$1'));
  }
  const wait = preferences.get('wait') ?? '';
  return {
    respondAsync: preferences.get('respond-async') === '',
    waitSeconds: SECONDS.test(wait) && Number(wait) > 0 ? Number(wait) : undefined,
  };
}

/** Several headers of one name count as one list. */
function joined(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

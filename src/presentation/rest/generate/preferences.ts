import Negotiator from 'negotiator';

export type AnswerFormat = 'json' | 'image' | 'events';

/** What the caller wants, by `Accept`; JSON when it accepts anything, or nothing we have. */
export function wantedFormat(accept: string | undefined): AnswerFormat {
  for (const mediaType of new Negotiator({ headers: { accept } }).mediaTypes()) {
    if (mediaType === 'text/event-stream') return 'events';
    if (mediaType.startsWith('image/')) return 'image';
    if (mediaType === 'application/json' || mediaType.startsWith('*/') || mediaType === 'application/*') return 'json';
  }
  return 'json';
}

export interface Preferences {
  /** Answer at once, or after {@link waitSeconds}, that the job was taken. */
  readonly respondAsync: boolean;
  readonly waitSeconds: number | undefined;
}

/** What stands between commas, and what before a semicolon, where they are not quoted. */
const PREFERENCES = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const WITHOUT_PARAMETERS = /^(?:[^;"]|"(?:[^"\\]|\\.)*"?)*/;
const QUOTED = /^"(.*)"$/s;
const SECONDS = /^\d{1,5}(?:\.\d+)?$/;

/** The header `Prefer` (RFC 7240). Of a preference that is given twice, the first counts; what is not understood is ignored. */
export function readPreferences(prefer = ''): Preferences {
  const given = new Map<string, string>();
  for (const [preference] of prefer.matchAll(PREFERENCES)) {
    const [text = ''] = WITHOUT_PARAMETERS.exec(preference) ?? [];
    const [name = '', ...value] = text.split('=').map((part) => part.trim());
    if (!given.has(name.toLowerCase())) given.set(name.toLowerCase(), value.join('=').replace(QUOTED, '$1'));
  }
  const wait = given.get('wait') ?? '';
  return {
    respondAsync: given.get('respond-async') === '',
    waitSeconds: SECONDS.test(wait) && Number(wait) > 0 ? Number(wait) : undefined,
  };
}

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

const WAIT = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,5}(?:\.\d+)?)"?\s*(?:[,;]|$)/i;

/** The seconds of `Prefer: wait=30` (RFC 7240). */
export function preferredWait(prefer: string | undefined): number | undefined {
  const seconds = Number(prefer && WAIT.exec(prefer)?.[1]);
  return seconds > 0 ? seconds : undefined;
}

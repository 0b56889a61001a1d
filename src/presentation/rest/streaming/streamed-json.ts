import type { Readable } from 'node:stream';
import { base64Length, base64Of } from './base64';

/** Bytes that are opened when they are sent. */
export interface StreamedFile {
  readonly sizeBytes: number;
  stream(): Readable;
}

/** JSON text with files in it: text as it is, files as base64 that is encoded while it is sent. */
export type StreamedJson = readonly (string | StreamedFile)[];

/** An object of fields that are JSON text already, in order; empty ones are left out. */
export function jsonObject(fields: Readonly<Record<string, StreamedJson>>): StreamedJson {
  const entries = Object.entries(fields).filter(([, value]) => value.length > 0);
  return [
    '{',
    ...entries.flatMap(([key, value], index) => [`${index > 0 ? ',' : ''}${JSON.stringify(key)}:`, ...value]),
    '}',
  ];
}

export function jsonArray(items: readonly StreamedJson[]): StreamedJson {
  return ['[', ...items.flatMap((item, index) => (index > 0 ? [',', ...item] : item)), ']'];
}

/** A plain value; empty for undefined, so that its field is left out. */
export function json(value: unknown): StreamedJson {
  return value === undefined ? [] : [JSON.stringify(value)];
}

export function base64(file: StreamedFile): StreamedJson {
  return ['"', file, '"'];
}

export function byteLength(parts: StreamedJson): number {
  return parts.reduce(
    (sum, part) => sum + (typeof part === 'string' ? Buffer.byteLength(part) : base64Length(part.sizeBytes)),
    0,
  );
}

export async function* write(parts: StreamedJson): AsyncGenerator<string | Buffer, void, undefined> {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    yield text;
    text = '';
    yield* base64Of(part.stream());
  }
  if (text !== '') yield text;
}

import type { FileWindow } from './file-window';
import type { MediaDetails } from './media-facts';

interface Element {
  readonly id: number;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

interface Track {
  readonly type: number;
  readonly width: number;
  readonly height: number;
}

/** RFC 9559, section 5.1. */
const ID = {
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
} as const;
const VIDEO_TRACK = 1;
const AUDIO_TRACK = 2;
const DEFAULT_TIMESTAMP_SCALE = 1_000_000;

/** WebM and Matroska. A recording whose length was not written afterwards has no duration. */
export async function readMatroska(window: FileWindow, mediaType: string): Promise<MediaDetails> {
  for await (const element of elements(window, 0, window.sizeBytes)) {
    if (element.id === ID.segment) return readSegment(window, element, mediaType);
  }
  return {};
}

async function readSegment(window: FileWindow, segment: Element, mediaType: string): Promise<MediaDetails> {
  let durationSeconds: number | null | undefined;
  let tracks: Track[] | undefined;
  for await (const element of elements(window, segment.start, segment.end)) {
    if (element.id === ID.info) durationSeconds = await readDuration(window, element);
    if (element.id === ID.tracks) tracks = await readTracks(window, element);
    if (durationSeconds !== undefined && tracks) break;
  }
  const film = tracks?.find(({ type }) => type === VIDEO_TRACK);
  if (film) return { durationSeconds, width: film.width, height: film.height };
  const isSound = tracks?.some(({ type }) => type === AUDIO_TRACK);
  return { durationSeconds, ...(isSound ? { mediaType: mediaType.replace('video/', 'audio/') } : {}) };
}

async function readDuration(window: FileWindow, info: Element): Promise<number | null> {
  let scale = DEFAULT_TIMESTAMP_SCALE;
  let ticks: number | null = null;
  for await (const element of elements(window, info.start, info.end)) {
    if (element.id === ID.timestampScale) scale = unsigned(await content(window, element));
    if (element.id === ID.duration) ticks = float(await content(window, element));
  }
  return ticks === null ? null : (ticks * scale) / 1e9;
}

async function readTracks(window: FileWindow, tracks: Element): Promise<Track[]> {
  const found: Track[] = [];
  for await (const entry of elements(window, tracks.start, tracks.end)) {
    if (entry.id === ID.trackEntry) found.push(await readTrack(window, entry));
  }
  return found;
}

async function readTrack(window: FileWindow, entry: Element): Promise<Track> {
  const track = { type: 0, width: 0, height: 0 };
  for await (const element of elements(window, entry.start, entry.end)) {
    if (element.id === ID.trackType) track.type = unsigned(await content(window, element));
    if (element.id !== ID.video) continue;
    for await (const pixels of elements(window, element.start, element.end)) {
      if (pixels.id === ID.pixelWidth) track.width = unsigned(await content(window, pixels));
      if (pixels.id === ID.pixelHeight) track.height = unsigned(await content(window, pixels));
    }
  }
  return track;
}

function content(window: FileWindow, { start, end }: Element): Promise<Buffer> {
  return window.at(start, Math.min(end - start, 8));
}

function unsigned(bytes: Buffer): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function float(bytes: Buffer): number | null {
  if (bytes.length === 4) return bytes.readFloatBE(0);
  return bytes.length === 8 ? bytes.readDoubleBE(0) : null;
}

async function* elements(window: FileWindow, start: number, end: number): AsyncGenerator<Element> {
  for (let position = start; position < end;) {
    const header = await window.at(position, 12);
    const idBytes = vintBytes(header[0]);
    const sizeBytes = vintBytes(header[idBytes]);
    const headerBytes = idBytes + sizeBytes;
    if (idBytes > 4 || sizeBytes > 8 || header.length < headerBytes) return;
    const size = vint(header.subarray(idBytes, headerBytes));
    const contentStart = position + headerBytes;
    const next = size === null ? end : contentStart + size;
    yield { id: unsigned(header.subarray(0, idBytes)), start: contentStart, end: Math.min(next, end) };
    position = next;
  }
}

/** The leading zeros of the first byte tell its length (RFC 8794, section 4); 9 and more: there is none. */
function vintBytes(first: number | undefined): number {
  return first === undefined ? 99 : Math.clz32(first) - 23;
}

/** Null: unknown, as in a stream. The marker goes first: with it, eight bytes are more than a number holds exactly. */
function vint(bytes: Buffer): number | null {
  const highest = 2 ** (7 * bytes.length) - 1;
  const first = bytes.readUInt8(0) & (0xff >> bytes.length);
  const value = first * 256 ** (bytes.length - 1) + unsigned(bytes.subarray(1));
  return value >= highest ? null : value;
}

import type { FileWindow } from './file-window';
import type { MediaDetails } from './media-facts';

interface Box {
  readonly type: string;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

interface Track {
  readonly handler: string;
  readonly width: number;
  readonly height: number;
}

const UNKNOWN_32 = 0xffffffff;
/** Later bytes of `tkhd` hold the size; version 1 has 64 bit times. */
const TRACK_HEADER = [
  { size: 84, width: 76 },
  { size: 96, width: 88 },
] as const;

/** MP4, QuickTime, M4A (ISO/IEC 14496-12): `moov` may be at either end of the file. */
export async function readMovie(window: FileWindow): Promise<MediaDetails> {
  for await (const box of boxes(window, 0, window.sizeBytes)) {
    if (box.type === 'moov') return readMoov(window, box);
  }
  return {};
}

async function readMoov(window: FileWindow, moov: Box): Promise<MediaDetails> {
  const tracks: Track[] = [];
  let durationSeconds: number | null = null;
  for await (const box of boxes(window, moov.start, moov.end)) {
    if (box.type === 'mvhd') durationSeconds = movieDuration(await window.at(box.start, 32));
    if (box.type === 'trak') tracks.push(await readTrack(window, box));
  }
  const film = tracks.find(({ handler }) => handler === 'vide');
  if (film) return { durationSeconds, width: film.width, height: film.height };
  const isSound = tracks.some(({ handler }) => handler === 'soun');
  return { durationSeconds, ...(isSound ? { mediaType: 'audio/mp4' } : {}) };
}

async function readTrack(window: FileWindow, trak: Box): Promise<Track> {
  let handler = '';
  let [width, height] = [0, 0];
  for await (const box of boxes(window, trak.start, trak.end)) {
    if (box.type === 'tkhd') [width, height] = trackSize(await window.at(box.start, 96));
    if (box.type === 'mdia') handler = await readHandler(window, box);
  }
  return { handler, width, height };
}

async function readHandler(window: FileWindow, mdia: Box): Promise<string> {
  for await (const box of boxes(window, mdia.start, mdia.end)) {
    if (box.type === 'hdlr') return (await window.at(box.start + 8, 4)).toString('latin1');
  }
  return '';
}

function trackSize(header: Buffer): [width: number, height: number] {
  const layout = TRACK_HEADER[header[0] === 1 ? 1 : 0];
  if (header.length < layout.size) return [0, 0];
  return [header.readUInt16BE(layout.width), header.readUInt16BE(layout.width + 4)];
}

/** A file in fragments has no duration here. */
function movieDuration(header: Buffer): number | null {
  if (header.length < 32) return null;
  const isLong = header[0] === 1;
  const scale = header.readUInt32BE(isLong ? 20 : 12);
  const duration = isLong ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  return duration === UNKNOWN_32 || duration > Number.MAX_SAFE_INTEGER ? null : duration / scale;
}

async function* boxes(window: FileWindow, start: number, end: number): AsyncGenerator<Box> {
  for (let position = start; position + 8 <= end;) {
    const header = await window.at(position, 16);
    if (header.length < 8) return;
    const { headerBytes, sizeBytes } = boxSize(header, end - position);
    if (sizeBytes < headerBytes) return;
    const type = header.toString('latin1', 4, 8);
    yield { type, start: position + headerBytes, end: Math.min(position + sizeBytes, end) };
    position += sizeBytes;
  }
}

function boxSize(header: Buffer, toTheEnd: number): { headerBytes: number; sizeBytes: number } {
  const size = header.readUInt32BE(0);
  if (size === 0) return { headerBytes: 8, sizeBytes: toTheEnd };
  if (size !== 1) return { headerBytes: 8, sizeBytes: size };
  return { headerBytes: 16, sizeBytes: header.length < 16 ? 0 : Number(header.readBigUInt64BE(8)) };
}

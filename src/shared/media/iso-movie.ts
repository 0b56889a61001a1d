import type { FileWindow } from './file-window';
import { type Box, boxes, boxIn } from './iso-boxes';
import { fragmentTicks } from './iso-fragments';
import type { MediaDetails } from './media-facts';

interface Track {
  readonly id: number;
  readonly handler: string;
  readonly width: number;
  readonly height: number;
  /** Ticks per second. */
  readonly timescale: number;
}

const UNKNOWN_32 = 0xffffffff;
/** Fields of boxes by their version: version 1 has 64 bit times. */
const TRACK_HEADER = [
  { size: 84, id: 12, width: 76 },
  { size: 96, id: 20, width: 88 },
] as const;
const TIMESCALE = [12, 20] as const;

/**
 * MP4, QuickTime, M4A (ISO/IEC 14496-12): `moov` may be at either end of the file. By hand, since music-metadata finds
 * neither pixels nor, without sound, a duration, and mediabunny 1.61 loops for minutes over a table that declares 2^32
 * samples.
 */
export async function readMovie(window: FileWindow): Promise<MediaDetails> {
  const file = { start: 0, end: window.sizeBytes };
  for await (const box of boxes(window, file)) {
    if (box.type === 'moov') return readMoov(window, box);
  }
  return {};
}

async function readMoov(window: FileWindow, moov: Box): Promise<MediaDetails> {
  const tracks: Track[] = [];
  let durationSeconds: number | null = null;
  let extension: Box | undefined;
  for await (const box of boxes(window, moov)) {
    if (box.type === 'mvhd') durationSeconds = movieDuration(await window.at(box.start, 32));
    if (box.type === 'trak') tracks.push(await readTrack(window, box));
    if (box.type === 'mvex') extension = box;
  }
  const film = tracks.find(({ handler }) => handler === 'vide');
  const sound = tracks.find(({ handler }) => handler === 'soun');
  const timed = film ?? sound;
  if (!durationSeconds && extension && timed) {
    durationSeconds = (await fragmentTicks(window, { moov, extension, trackId: timed.id })) / timed.timescale;
  }
  if (film) return { durationSeconds, width: film.width, height: film.height };
  return { durationSeconds, ...(sound && { mediaType: 'audio/mp4' }) };
}

async function readTrack(window: FileWindow, trak: Box): Promise<Track> {
  let track: Track = { id: 0, handler: '', width: 0, height: 0, timescale: 0 };
  for await (const box of boxes(window, trak)) {
    if (box.type === 'tkhd') track = { ...track, ...trackHeader(await window.at(box.start, 96)) };
    if (box.type === 'mdia') track = { ...track, ...(await readMedia(window, box)) };
  }
  return track;
}

async function readMedia(window: FileWindow, mdia: Box): Promise<Pick<Track, 'handler' | 'timescale'>> {
  const handler = await boxIn(window, mdia, 'hdlr');
  const header = await boxIn(window, mdia, 'mdhd');
  const fields = await window.at(header.start, 24);
  return {
    handler: (await window.at(handler.start + 8, 4)).toString('latin1'),
    timescale: fields.length < 24 ? 0 : fields.readUInt32BE(TIMESCALE[fields[0] === 1 ? 1 : 0]),
  };
}

function trackHeader(header: Buffer): Partial<Track> {
  const layout = TRACK_HEADER[header[0] === 1 ? 1 : 0];
  if (header.length < layout.size) return {};
  return {
    id: header.readUInt32BE(layout.id),
    width: header.readUInt16BE(layout.width),
    height: header.readUInt16BE(layout.width + 4),
  };
}

/** Null or 0 in a file of fragments. */
function movieDuration(header: Buffer): number | null {
  if (header.length < 32) return null;
  const isLong = header[0] === 1;
  const scale = header.readUInt32BE(isLong ? 20 : 12);
  const duration = isLong ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  return duration === UNKNOWN_32 || duration > Number.MAX_SAFE_INTEGER ? null : duration / scale;
}

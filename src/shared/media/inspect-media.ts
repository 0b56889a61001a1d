import type { MediaSource } from './media-source';
import { FileWindow } from './file-window';
import { readMovie } from './iso-movie';
import { readMatroska } from './matroska';
import { UNKNOWN_TYPE, type MediaDetails, type MediaFacts, type MediaHint } from './media-facts';
import { aacSeconds, mp3Seconds } from './mpeg-audio';
import { pictureSize } from './picture-size';
import { sniff } from './sniff';
import { flacSeconds, oggSeconds, waveSeconds } from './sound';

const MOVIES = new Set(['video/mp4', 'video/quicktime', 'audio/mp4', 'video/3gpp', 'video/3gpp2']);
const SOUNDS: Readonly<Record<string, (window: FileWindow) => Promise<number | null>>> = {
  'audio/wav': waveSeconds,
  'audio/flac': flacSeconds,
  'audio/ogg': oggSeconds,
  'audio/mpeg': mp3Seconds,
  'audio/aac': aacSeconds,
};
const GIF_FRAME_CONTROL = Buffer.from([0x21, 0xf9, 4]);
/** Two bytes make file-type believe in these, so their frames have to be there. */
const NEEDS_FRAMES = new Set(['audio/mpeg', 'audio/aac']);

/**
 * What a file is, by its bytes: from the head alone for pictures in the usual formats, with a bounded number of short
 * reads (64 of 64 KiB, one of 1 MiB) for the others. Never rejects: no file is worth a job, and what cannot be read is null.
 */
export async function inspectMedia(file: MediaSource, hint: MediaHint): Promise<MediaFacts> {
  const mediaType = await sniff(file.head, file.sizeBytes, hint).catch(() => UNKNOWN_TYPE);
  const details = await detailsOf(file, mediaType);
  return {
    mediaType: details.mediaType ?? mediaType,
    width: pixels(details.width),
    height: pixels(details.height),
    durationSeconds: seconds(details.durationSeconds),
    ...animation(file, mediaType),
  };
}

async function detailsOf(file: MediaSource, mediaType: string): Promise<MediaDetails> {
  const window = new FileWindow(file);
  try {
    if (mediaType.startsWith('image/')) return await pictureSize(file, window, mediaType);
    if (MOVIES.has(mediaType)) return await readMovie(window);
    if (mediaType === 'video/webm' || mediaType === 'video/matroska') return await readMatroska(window, mediaType);
    return await soundDetails(file, window, mediaType);
  } catch {
    return {};
  }
}

async function soundDetails(file: MediaSource, window: FileWindow, mediaType: string): Promise<MediaDetails> {
  const durationSeconds = (await SOUNDS[mediaType]?.(window)) ?? null;
  const isBelieved = durationSeconds !== null || file.head.toString('latin1', 0, 3) === 'ID3';
  return NEEDS_FRAMES.has(mediaType) && !isBelieved ? { mediaType: UNKNOWN_TYPE } : { durationSeconds };
}

function animation({ head, sizeBytes }: MediaSource, mediaType: string): Pick<MediaFacts, 'isAnimated'> {
  switch (mediaType) {
    case 'image/apng':
      return { isAnimated: true };
    case 'image/gif':
      return gifAnimation(head, sizeBytes);
    case 'image/webp':
      return { isAnimated: head.toString('latin1', 12, 16) === 'VP8X' && ((head[20] ?? 0) & 2) !== 0 };
    case 'image/avif':
      return { isAnimated: head.toString('latin1', 8, 12) === 'avis' };
    default:
      return {};
  }
}

/** It loops, or a second frame is announced; that may be beyond the head. */
function gifAnimation(head: Buffer, sizeBytes: number): Pick<MediaFacts, 'isAnimated'> {
  const first = head.indexOf(GIF_FRAME_CONTROL);
  const isAnimated = head.includes('NETSCAPE2.0') || (first >= 0 && head.includes(GIF_FRAME_CONTROL, first + 1));
  return isAnimated || head.length >= sizeBytes ? { isAnimated } : {};
}

function pixels(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}

function seconds(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

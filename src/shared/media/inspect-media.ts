import type { MediaSource } from './media-source';
import { FileWindow } from './file-window';
import { readMovie } from './iso-movie';
import { UNKNOWN_TYPE, type MediaDetails, type MediaFacts, type MediaHint } from './media-facts';
import { oggSeconds } from './ogg';
import { pictureSize } from './picture-size';
import { sniff } from './sniff';
import { readTracks } from './tracks';

const MOVIES = new Set(['video/mp4', 'video/quicktime', 'audio/mp4', 'video/3gpp', 'video/3gpp2']);
const GIF_FRAME_CONTROL = Buffer.from([0x21, 0xf9, 4]);

/**
 * What a file is, by its bytes: from the head alone for pictures in the usual formats, with a bounded number of short
 * reads (64 of 4 MiB together, one of 1 MiB) for the others. Never rejects: a job does not fail because of a file's metadata; what cannot be read is null.
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
  const window = new FileWindow(mediaType === 'audio/wav' ? asRiff(file) : file);
  try {
    if (mediaType.startsWith('image/')) return await pictureSize(file, window, mediaType);
    if (mediaType === 'audio/ogg') return { durationSeconds: await oggSeconds(window) };
    return await (MOVIES.has(mediaType) ? readMovie(window) : readTracks(window, mediaType));
  } catch {
    return {};
  }
}

/** music-metadata reads RIFF only; RF64, for files of more than 4 GiB, has the same chunks under another name. */
function asRiff(file: MediaSource): MediaSource {
  const head = Buffer.concat([Buffer.from('RIFF'), file.head.subarray(4)]);
  return { sizeBytes: file.sizeBytes, head, read: (position, length) => file.read(position, length) };
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

/** A loop count or the control block of a second frame; both may be beyond the head. */
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

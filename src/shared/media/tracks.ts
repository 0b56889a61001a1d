import type { IFormat } from 'music-metadata';
import type { FileWindow } from './file-window';
import { UNKNOWN_TYPE, type MediaDetails } from './media-facts';
import { WindowTokenizer } from './window-tokenizer';

/** music-metadata selects a parser by these. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'video/webm': '.mkv',
  'video/matroska': '.mkv',
  'audio/wav': '.wav',
  'audio/flac': '.flac',
  'audio/aiff': '.aif',
  'audio/mpeg': '.mp3',
  'audio/aac': '.aac',
};
/** Sequences of frames. file-type looks at two bytes only, so that frames have to be found as well. */
const FRAMES = new Set(['audio/mpeg', 'audio/aac']);

/** WebM, Matroska and sound. A recording whose length was not written afterwards has no duration. */
export async function readTracks(window: FileWindow, mediaType: string): Promise<MediaDetails> {
  const extension = EXTENSIONS[mediaType];
  if (extension === undefined) return {};
  if (FRAMES.has(mediaType)) return framesDetails(window, extension);
  const { duration: durationSeconds, trackInfo } = await formatOf(window, extension);
  const film = trackInfo.find(({ video }) => video)?.video;
  if (film) return { durationSeconds, width: film.pixelWidth, height: film.pixelHeight };
  const isSound = trackInfo.some(({ audio }) => audio);
  return { durationSeconds, ...(isSound && { mediaType: mediaType.replace('video/', 'audio/') }) };
}

/** Without a count in a header, the frames are counted up to the limits of the window, and the result is scaled to the file. */
async function framesDetails(window: FileWindow, extension: string): Promise<MediaDetails> {
  const { duration, endPosition } = await formatOf(window, extension, { duration: true });
  if (duration) return { durationSeconds: window.isUsedUp ? (duration * window.sizeBytes) / endPosition : duration };
  const isTagged = (await window.at(0, 3)).toString('latin1') === 'ID3';
  return isTagged ? {} : { mediaType: UNKNOWN_TYPE };
}

/** What the parser found before it failed or ended. The library is loaded with the first file of these kinds. */
async function formatOf(
  window: FileWindow,
  extension: string,
  extra: { duration?: boolean } = {},
): Promise<IFormat & { readonly endPosition: number }> {
  const { parseFromTokenizer } = await import('music-metadata');
  const tokenizer = new WindowTokenizer(window, extension);
  let format: IFormat = { trackInfo: [], tagTypes: [] };
  const observer = ({ metadata }: { metadata: { format: IFormat } }): void => void (format = metadata.format);
  const options = { skipCovers: true, mkvUseIndex: true, observer, ...extra };
  await parseFromTokenizer(tokenizer, options).catch(() => undefined);
  return { ...format, endPosition: tokenizer.position };
}

import { imageSize } from 'image-size';

export interface MediaDescription {
  readonly mediaType: string;
  /** Pixels; images only. */
  readonly width?: number;
  readonly height?: number;
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+$/;
const IMAGE_MEDIA_TYPES: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  svg: 'image/svg+xml',
  ico: 'image/x-icon',
  heif: 'image/heif',
};

/**
 * What a file is: an image by its first bytes, anything else by what the server said of it.
 * `head` need not reach the end of the file.
 */
export function describeMedia(head: Buffer, claimedType: string | undefined): MediaDescription {
  try {
    const { type, width, height } = imageSize(head);
    if (type) return { mediaType: IMAGE_MEDIA_TYPES[type] ?? `image/${type}`, width, height };
  } catch {
    // Not an image that can be told from its head.
  }
  const claimed = claimedType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return { mediaType: MEDIA_TYPE.test(claimed) ? claimed : 'application/octet-stream' };
}

import type { IncomingMessage } from 'node:http';
import { parse } from 'node:path';
import type { AssetService } from '../../../application/assets/asset.service';
import type { ImageConversions, PictureSource } from '../../../application/assets/images/image-conversions';
import type { ImageTransform } from '../../../application/assets/images/image-transform';
import type { Asset } from '../../../domain/asset';
import type { FileAnswer } from '../streaming/send-file';
import { contentHead, isUnchanged, readRange, validators } from './asset-head';

/** An asset, and how its bytes are asked for. */
export interface AskedAsset {
  readonly asset: Asset;
  readonly isDownload: boolean;
  readonly request: Pick<IncomingMessage, 'method' | 'headers'>;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

/** The bytes as they are. @throws ComfyUIError `range_not_satisfiable`, and what `AssetService.open` throws */
export async function fileAnswer(asked: AskedAsset, assets: AssetService): Promise<FileAnswer> {
  const { asset, isDownload, request, signal } = asked;
  const { sha256, sizeBytes, mediaType, filename } = asset.file;
  const valid = validators(`"${sha256}"`, asset.createdAt);
  if (isUnchanged(request.headers, valid)) return { status: 304, headers: valid };
  const head = { ...valid, ...contentHead({ mediaType, filename, isDownload }), 'accept-ranges': 'bytes' };
  const whole = { status: 200, headers: { ...head, 'content-length': String(sizeBytes) } };
  if (request.method === 'HEAD') return whole;
  const range = readRange(request.headers, valid, sizeBytes);
  const { stream: body } = await assets.open(asset, { range, signal });
  if (!range) return { ...whole, body };
  const { start, end } = range;
  const part = { 'content-range': `bytes ${start}-${end}/${sizeBytes}`, 'content-length': String(end - start + 1) };
  return { status: 206, headers: { ...head, ...part }, body };
}

interface WishedPicture {
  readonly options: ImageTransform;
  readonly source: PictureSource;
}

/** The bytes as another picture, in one piece. @throws what `PictureConversions.convert` throws */
export async function pictureAnswer(
  asked: AskedAsset,
  { source, options }: WishedPicture,
  conversions: ImageConversions,
): Promise<FileAnswer> {
  const { asset, isDownload, request, signal } = asked;
  const valid = validators(`W/"${conversions.nameOf(source, options)}"`, asset.createdAt);
  if (isUnchanged(request.headers, valid)) return { status: 304, headers: valid };
  const picture = await conversions.convert(source, options, signal);
  const { mediaType, sizeBytes } = picture;
  const filename = renamed(asset.file.filename, mediaType);
  const headers = {
    ...valid,
    ...contentHead({ mediaType, filename, isDownload }),
    'accept-ranges': 'none',
    'content-length': String(sizeBytes),
  };
  const body = request.method === 'HEAD' ? undefined : picture.open();
  return { status: 200, headers, body, done: () => picture.release() };
}

/** With the ending of what it became. */
function renamed(filename: string, mediaType: string): string {
  const ending = mediaType === 'image/jpeg' ? 'jpg' : mediaType.replace('image/', '');
  return `${parse(filename).name}.${ending}`;
}

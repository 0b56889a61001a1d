import type { IncomingMessage } from 'node:http';
import { parse } from 'node:path';
import type { AssetService } from '../../../application/assets/asset.service';
import type { ImageConversions } from '../../../application/assets/images/image-conversions';
import type { ImageTransform } from '../../../application/assets/images/image-transform';
import type { Asset } from '../../../domain/asset';
import type { FileResponse } from '../streaming/send-file';
import { contentHead, isUnchanged, readRange, validators } from './asset-headers';

/** An asset and the request for its bytes. */
export interface AssetRequest {
  readonly asset: Asset;
  readonly isDownload: boolean;
  readonly request: Pick<IncomingMessage, 'method' | 'headers'>;
  /** Aborted when the caller disconnected. */
  readonly signal: AbortSignal;
}

/** The bytes as stored. @throws ComfyUIError `range_not_satisfiable`; as `AssetService.open` */
export async function storedFileResponse(
  { asset, isDownload, request, signal }: AssetRequest,
  assets: AssetService,
): Promise<FileResponse> {
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

/** The bytes as a converted image, always whole. @throws as `ImageConversions.convert` */
export async function convertedImageResponse(
  { asset, isDownload, request, signal }: AssetRequest,
  transform: ImageTransform,
  assets: AssetService,
  conversions: ImageConversions,
): Promise<FileResponse> {
  const source = { ...asset.file, open: (reading: AbortSignal) => assets.stream(asset, reading) };
  const valid = validators(`W/"${conversions.cacheKey(source, transform)}"`, asset.createdAt);
  if (isUnchanged(request.headers, valid)) return { status: 304, headers: valid };
  const image = await conversions.convert(source, transform, signal);
  const { mediaType, sizeBytes } = image;
  const filename = renamed(asset.file.filename, mediaType);
  const headers = {
    ...valid,
    ...contentHead({ mediaType, filename, isDownload }),
    'accept-ranges': 'none',
    'content-length': String(sizeBytes),
  };
  const body = request.method === 'HEAD' ? undefined : image.open();
  return { status: 200, headers, body, done: () => image.release() };
}

/** The filename with the extension of the converted image. */
function renamed(filename: string, mediaType: string): string {
  const extension = mediaType === 'image/jpeg' ? 'jpg' : mediaType.replace('image/', '');
  return `${parse(filename).name}.${extension}`;
}

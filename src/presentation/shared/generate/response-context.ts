import type { GeneratedFile } from '../../../application/assets/generated-file';
import type { ImageTransform } from '../../../application/assets/images/image-transform';
import type { UrlBuilder } from '../url-builder';

/** What a response needs besides the job. */
export interface ResponseContext {
  readonly urls: UrlBuilder;
  /** What images are converted to. */
  readonly transform?: Pick<ImageTransform, 'format' | 'quality'>;
}

/** Where a caller finds a file as delivered. The storage has files as produced; for a converted one the service converts again. */
export function fileUrl(
  { assetId, isConverted, link }: GeneratedFile,
  { urls, transform = {} }: ResponseContext,
): string {
  const own = urls.asset(assetId);
  const { format = '', quality } = transform;
  const query = new URLSearchParams({ format, ...(quality !== undefined && { quality: String(quality) }) });
  return isConverted ? `${own}?${query.toString()}` : (link ?? own);
}

import type { Asset } from '../../../domain/asset';
import type { UrlBuilder } from '../../shared/url-builder';
import type { AssetDto } from './asset.dto';

/** An asset as callers see it: times as ISO 8601, and where its bytes are. */
export function assetJson({ id, jobId, createdAt, file, description }: Asset, urls: UrlBuilder): AssetDto {
  const { nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds, sha256 } = file;
  const { label, facts } = description;
  return {
    id,
    jobId,
    url: urls.asset(id),
    nodeId,
    filename,
    subfolder,
    type,
    mediaType,
    sizeBytes,
    width,
    height,
    durationSeconds,
    sha256,
    createdAt: new Date(createdAt).toISOString(),
    label,
    facts: {
      positive: [...facts.positive],
      negative: [...facts.negative],
      seed: facts.seed,
      seeds: [...facts.seeds],
      width: facts.width,
      height: facts.height,
      steps: facts.steps,
      cfg: facts.cfg,
      samplerName: facts.samplerName,
      scheduler: facts.scheduler,
      denoise: facts.denoise,
      models: [...facts.models],
      loras: facts.loras.map((lora) => ({ ...lora })),
      vaes: [...facts.vaes],
    },
  };
}

import type { HasUrl } from '../../shared/url-builder';
import type { DeliveryOptions } from '../../../application/assets/file-delivery';
import type { GenerationRequest } from '../../../application/jobs/job-submission';
import type { WhenUnreachable } from '../../../application/jobs/job-session';
import type { GenerateBody } from '../../shared/generate/generate-body.pipe';
import { generationRequest } from '../../shared/generate/generation-request';
import { readIdempotencyKey } from '../../shared/generate/idempotency-key';
import { type AnswerFormat, readPreferences, wantedFormat } from './preferences';

export interface AnyRequest extends HasUrl {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What the headers of a request ask for. */
export interface RequestPreferences {
  readonly format: AnswerFormat;
  /** Answer that the job was taken, at once or after {@link waitSeconds}. */
  readonly respondAsync: boolean;
  readonly waitSeconds: number | undefined;
  /** Who waits for the picture would rather hear that no server is there than wait for one. */
  readonly whenUnreachable: WhenUnreachable;
  readonly idempotencyKey: string | undefined;
}

/** @throws ComfyUIError `invalid_request` */
export function readRequestPreferences({ headers }: AnyRequest): RequestPreferences {
  const format = wantedFormat(text(headers.accept));
  const { respondAsync, waitSeconds } = readPreferences(text(headers.prefer));
  const idempotencyKey = readIdempotencyKey(text(headers['idempotency-key']));
  const isLater = respondAsync && format !== 'events';
  return { format, respondAsync: isLater, waitSeconds, whenUnreachable: isLater ? 'queue' : 'refuse', idempotencyKey };
}

export function requestWith(
  body: GenerateBody,
  { whenUnreachable, idempotencyKey }: RequestPreferences,
): GenerationRequest {
  return generationRequest(body, { idempotencyKey, whenUnreachable });
}

/** The bytes go where they were asked for: an image is nothing else. */
export function deliveryOptions({ response, output }: GenerateBody, format: AnswerFormat): DeliveryOptions {
  return { withBytes: format === 'image' || response !== 'url', picture: output };
}

/** Several headers of one name count as one list. */
function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

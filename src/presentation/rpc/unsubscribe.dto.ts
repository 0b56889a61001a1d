import { Expose } from 'class-transformer';
import { IsOptional, IsUUID, Length } from 'class-validator';
import type { UnsubscribeCall } from './messages';

/** Longer names are ignored. */
export const MAX_STREAM_NAME = 100;

/** The message `comfyui.unsubscribe`. */
export class UnsubscribeDto implements UnsubscribeCall {
  @Expose()
  @Length(1, MAX_STREAM_NAME, { message: 'stream must name a stream' })
  stream!: string;

  @Expose()
  @IsOptional()
  @IsUUID('all', { message: 'cancel must be the id of a job, a UUID' })
  cancel?: string;
}

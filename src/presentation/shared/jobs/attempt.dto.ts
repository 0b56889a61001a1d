import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Attempt } from '../../../domain/job/job';
import { isoTime, isoTimeOrNull } from '../iso-time';

@ApiSchema({ name: 'AttemptError' })
export class AttemptErrorDto {
  @ApiProperty({ description: 'For programs.', example: 'backend_lost' })
  code!: string;

  @ApiProperty({ description: 'For people.', example: 'ComfyUI was restarted and lost the prompt.' })
  message!: string;
}

@ApiSchema({ name: 'Attempt' })
export class AttemptDto {
  @ApiProperty({ description: 'From 1.', example: 1 })
  number!: number;

  @ApiProperty({ description: 'The ComfyUI server it ran on.', example: 'http://gpu-1:8188' })
  backend!: string;

  @ApiProperty({
    description: "ComfyUI's id of the prompt; that of the first attempt is the job's id.",
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  promptId!: string;

  @ApiProperty({
    description: 'When it was assigned to the server.',
    format: 'date-time',
    example: '2026-01-31T12:00:00.120Z',
  })
  handedAt!: string;

  @ApiProperty({
    description: 'When the server began to run it.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-01-31T12:00:00.310Z',
  })
  startedAt!: string | null;

  @ApiProperty({
    description: 'When it ended.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-01-31T12:00:05.330Z',
  })
  endedAt!: string | null;

  @ApiProperty({ description: 'Why it failed.', type: AttemptErrorDto, nullable: true })
  error!: AttemptErrorDto | null;
}

export function toAttemptDto({ number, backend, promptId, handedAt, startedAt, endedAt, error }: Attempt): AttemptDto {
  return {
    number,
    backend,
    promptId,
    handedAt: isoTime(handedAt),
    startedAt: isoTimeOrNull(startedAt),
    endedAt: isoTimeOrNull(endedAt),
    error: error ? { code: error.code, message: error.message } : null,
  };
}

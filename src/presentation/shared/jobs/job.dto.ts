import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { JOB_STATUSES, type JobStatus } from '../../../domain/job/job';
import { OutputTextDto } from '../generate/generation.dto';
import { AttemptDto } from './attempt.dto';
import { JobAcceptanceDto, JobErrorDto, JobOutputDto, JobProgressDto, SeedDto } from './job-parts.dto';

@ApiSchema({ name: 'Job' })
export class JobDto {
  @ApiProperty({
    description: 'Its id, and the prompt id of its first attempt.',
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  id!: string;

  @ApiProperty({ description: 'Grows with every change.', example: 17 })
  revision!: number;

  @ApiProperty({
    description:
      '`queued`, `running`, maybe `canceling`, then for good `succeeded`, `failed`, `expired` or `canceled`. It never goes backwards: a job that runs again stays `running`.',
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    example: 'running',
  })
  status!: JobStatus;

  @ApiProperty({
    description:
      '1: the next to be handed to a ComfyUI server; 0: handed over, and not started yet. Null unless it is queued.',
    type: Number,
    nullable: true,
    example: null,
  })
  queuePosition!: number | null;

  @ApiProperty({ description: '-100 to 100; higher starts sooner.', example: 0 })
  priority!: number;

  @ApiProperty({ description: 'How far the current attempt is.', type: JobProgressDto })
  progress!: JobProgressDto;

  @ApiProperty({
    description: 'The files it made so far; those of an abandoned attempt are left out.',
    type: [JobOutputDto],
  })
  outputs!: JobOutputDto[];

  @ApiProperty({ description: 'Text outputs.', type: [OutputTextDto], example: [] })
  texts!: OutputTextDto[];

  @ApiProperty({ description: 'Why it did not succeed.', type: JobErrorDto, nullable: true })
  error!: JobErrorDto | null;

  @ApiProperty({
    description: 'How often it was handed to a ComfyUI server: the attempts that started, and the one under way.',
    type: [AttemptDto],
  })
  attempts!: AttemptDto[];

  @ApiProperty({
    description: 'What ComfyUI said when it took the current attempt.',
    type: JobAcceptanceDto,
    nullable: true,
  })
  acceptance!: JobAcceptanceDto | null;

  @ApiProperty({ description: 'Somebody asked for its cancelation.', example: false })
  cancelRequested!: boolean;

  @ApiProperty({ description: 'The seeds in its workflow, in the order of the nodes.', type: [SeedDto] })
  seeds!: SeedDto[];

  @ApiProperty({ description: 'It runs on servers that carry all of these.', type: [String], example: ['sdxl'] })
  labels!: string[];

  @ApiProperty({
    description: "The caller's word for the workflow.",
    type: String,
    nullable: true,
    example: 'portrait',
  })
  label!: string | null;

  @ApiProperty({ description: 'Temporary files are kept also where the run made others.', example: false })
  keepPreviews!: boolean;

  @ApiProperty({ description: 'When it was taken.', format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  queuedAt!: string;

  @ApiProperty({
    description: 'When its first attempt started.',
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
    example: null,
  })
  endedAt!: string | null;

  @ApiProperty({
    description: 'How long each node took in the last attempt, milliseconds by node id; cached nodes are left out.',
    type: 'object',
    additionalProperties: { type: 'number' },
    example: { 3: 4210, 8: 350, 9: 120 },
  })
  nodeDurations!: Record<string, number>;
}

@ApiSchema({ name: 'JobPage' })
export class JobPageDto {
  @ApiProperty({ description: 'Newest first.', type: [JobDto] })
  jobs!: JobDto[];

  @ApiProperty({
    description: 'The `cursor` of the page after this; null at the end.',
    type: String,
    nullable: true,
    example: null,
  })
  next!: string | null;
}

import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { JOB_STATUSES, type JobStatus } from '../../../domain/job/job';
import type { NodeErrors } from '../../../domain/workflow/node-errors';

/** @publicApi */
@ApiSchema({ name: 'QueuedPrompt' })
export class QueuedPromptDto {
  @ApiProperty({
    description: "ComfyUI's id of the prompt: that of the job, unless an old ComfyUI chose its own.",
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  promptId!: string;

  @ApiProperty({
    description: 'The job: `GET /jobs/{id}`.',
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  jobId!: string;

  @ApiProperty({
    description: '`queued` also when all servers are busy and it waits here for one.',
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    example: 'queued',
  })
  status!: JobStatus;

  @ApiProperty({
    description:
      "Its position in ComfyUI's order; null when it waits here, or ComfyUI accepted the prompt and its response was lost.",
    type: Number,
    nullable: true,
    example: 12,
  })
  number!: number | null;

  @ApiProperty({
    description:
      'Nodes that ComfyUI left out because they failed validation, by node id; empty when it runs the whole workflow.',
    type: 'object',
    additionalProperties: true,
    example: {},
  })
  nodeErrors!: NodeErrors;
}

@ApiSchema({ name: 'QueuedPromptAnswer' })
export class QueuedPromptResponseDto {
  @ApiProperty({ enum: ['success'], example: 'success', description: 'Errors have their own shape.' })
  status!: 'success';

  @ApiProperty({ type: QueuedPromptDto, description: 'The prompt as accepted by ComfyUI, or as queued here.' })
  data!: QueuedPromptDto;
}

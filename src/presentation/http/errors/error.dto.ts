import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiResponse, ApiSchema } from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from '../../../domain/errors';
import type { ErrorBody } from './http-exceptions';

@ApiSchema({ name: 'Error' })
export class ErrorDto implements ErrorBody {
  @ApiProperty({ description: 'The HTTP status.', example: 422 })
  statusCode!: number;

  @ApiProperty({ description: 'The status in words.', example: 'Unprocessable Entity' })
  error!: string;

  @ApiProperty({
    description: 'What happened and what to do about it, for people.',
    example: 'ComfyUI refused the workflow. Node 3 (KSampler): steps: Value 0 smaller than min of 1',
  })
  message!: string;

  @ApiProperty({
    description: 'What happened, for programs.',
    enum: ERROR_CODES,
    enumName: 'ErrorCode',
    example: 'invalid_workflow',
  })
  code!: ErrorCode;

  @ApiPropertyOptional({
    description: 'The job it happened to.',
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  jobId?: string;

  @ApiPropertyOptional({
    description: 'More, depending on the code: the errors per node id, the node that failed with its traceback, ...',
    type: 'object',
    additionalProperties: true,
    example: {
      nodeErrors: {
        3: { classType: 'KSampler', problems: [{ input: 'steps', message: 'Value 0 smaller than min of 1' }] },
      },
    },
  })
  details?: unknown;
}

const DESCRIPTIONS = {
  400: '`invalid_request`: malformed JSON, wrong types, a workflow in the editor format.',
  409: '`canceled`: the run was interrupted or canceled while the caller waited.',
  413: '`payload_too_large`: the body is over the limit, here or in front of ComfyUI.',
  422: '`invalid_workflow`: ComfyUI refused the workflow, or would run only a part of it; the errors per node id are in `details`.',
  500: '`execution_failed`, `out_of_memory`: a node failed; its id, class, message and traceback are in `details`.',
  502: '`backend_unauthorized`, `backend_error`, `backend_lost`, `stalled`, `output_missing`: ComfyUI, or what stands in front of it, misbehaved.',
  503: '`backend_unreachable`, `shutting_down`: try again after the seconds in `Retry-After`.',
  504: '`timeout`: not done in the time asked for; the job goes on.',
} as const;

/** Documents the errors an endpoint answers with. */
export function ApiErrors(...statuses: (keyof typeof DESCRIPTIONS)[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, type: ErrorDto, description: DESCRIPTIONS[status] })),
  );
}

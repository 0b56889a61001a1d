import { STATUS_CODES } from 'node:http';
import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  ApiSchema,
  getSchemaPath,
} from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from '../../../domain/errors';
import { type DocumentedStatus, ERROR_DOCS } from './error.docs';
import type { ErrorBody } from '../../shared/errors/http-exceptions';

@ApiSchema({ name: 'Error' })
export class ErrorDto implements ErrorBody {
  @ApiProperty({ description: 'The HTTP status.', example: 422 })
  statusCode!: number;

  @ApiProperty({ description: 'The status in words.', example: 'Unprocessable Entity' })
  error!: string;

  @ApiProperty({
    description: 'The error and its remedy, for people.',
    example: 'ComfyUI refused the workflow. Node 3 (KSampler): steps: Value 0 smaller than min of 1',
  })
  message!: string;

  @ApiProperty({
    description: 'The error, for programs.',
    enum: ERROR_CODES,
    enumName: 'ErrorCode',
    example: 'invalid_workflow',
  })
  code!: ErrorCode;

  @ApiPropertyOptional({
    description: 'The job concerned.',
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

/** Documents the error responses of an endpoint. */
export function ApiErrors(...statuses: DocumentedStatus[]): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(ErrorDto),
    ...statuses.map((status) => {
      const { description, code, message } = ERROR_DOCS[status];
      const example = { statusCode: status, error: STATUS_CODES[status], message, code };
      const schema = { $ref: getSchemaPath(ErrorDto) };
      return ApiResponse({ status, description, content: { 'application/json': { schema, example } } });
    }),
  );
}

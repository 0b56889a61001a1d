import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { HealthCheckResult } from '@nestjs/terminus';

@ApiSchema({ name: 'Health' })
export class HealthDto implements HealthCheckResult {
  @ApiProperty({
    description: '`ok`, or the kind of failure.',
    enum: ['ok', 'error', 'degraded', 'shutting_down'],
    example: 'ok',
  })
  status!: HealthCheckResult['status'];

  @ApiProperty({
    description: 'Checks that passed, by name.',
    type: 'object',
    additionalProperties: true,
    example: { jobs: { status: 'up', responseTime: 1 } },
  })
  info!: NonNullable<HealthCheckResult['info']>;

  @ApiProperty({
    description: 'Checks that failed, by name, each with a `message`.',
    type: 'object',
    additionalProperties: true,
    example: {},
  })
  error!: NonNullable<HealthCheckResult['error']>;

  @ApiProperty({
    description: 'All checks.',
    type: 'object',
    additionalProperties: true,
    example: { jobs: { status: 'up', responseTime: 1 } },
  })
  details!: HealthCheckResult['details'];
}

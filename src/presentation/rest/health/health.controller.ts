import { Controller, Get, Header, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import { ReadinessService } from '../../../application/maintenance/readiness.service';
import { HealthDto } from './health.dto';
import { HealthExceptionFilter } from './health-exception.filter';

/** Below the usual time-out of a probe. */
const CHECK_MS = 3_000;

/** Probes of the standalone service; a host application has its own. */
@ApiTags('health')
@Controller('health')
@UseFilters(HealthExceptionFilter)
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: ReadinessService,
  ) {}

  @Get('live')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Whether the process is alive',
    description:
      'Always 200: a process that does not respond is to be restarted; one whose dependencies are down is not.',
  })
  @ApiOkResponse({ type: HealthDto, description: 'It is.' })
  live(): HealthDto {
    return { status: 'ok', info: {}, error: {}, details: {} };
  }

  @Get('ready')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Whether requests may be sent here',
    description:
      'No while jobs cannot be read or stored, and while the service shuts down. ComfyUI servers may be unreachable: jobs wait for them.',
  })
  @ApiOkResponse({ type: HealthDto, description: 'Yes.' })
  @ApiServiceUnavailableResponse({ type: HealthDto, description: 'No; `error` says why.' })
  ready(): Promise<HealthCheckResult> {
    const jobs = this.indicators.check('jobs').attempt(() => this.readiness.check());
    return this.health.check([jobs.withTimeout(CHECK_MS)]);
  }
}

import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { ShutdownState } from '../../../application/maintenance/shutdown-state';
import { JobService } from '../../../application/jobs/job.service';
import { OutputRecovery } from '../../../application/execution/output-recovery';
import type { JobQuery } from '../../../application/jobs/job-repository';
import { Timing } from '../../../options/timing';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../../options/comfyui.options';
import { writeWorkflow } from '../../../domain/workflow/workflow-text';
import { UrlBuilder, type HasUrl } from '../../shared/url-builder';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { type AnyResponse, watchConnection } from '../streaming/connection';
import { sendEvents } from '../streaming/send-events';
import { JobQueryDto } from '../../shared/jobs/job-query.dto';
import { JobDto, JobPageDto, toJobDto, toJobPageDto } from '../../shared/jobs/job.dto';
import { DtoPipe } from '../../shared/validation/dto.pipe';
import { UuidPipe } from '../../shared/validation/uuid.pipe';
import { jobEvents } from './job-events.formatter';
import { JOBS_DOCS } from './jobs.docs';

const ID = { name: 'id', description: 'The job.', schema: { type: 'string', format: 'uuid' } } as const;
const JOB_ID = new UuidPipe('job');
const JOB_QUERY = new DtoPipe(JobQueryDto);

@ApiTags('jobs')
@Controller('jobs')
@UseFilters(ComfyUIExceptionFilter)
export class JobsController {
  constructor(
    private readonly jobs: JobService,
    private readonly outputRecovery: OutputRecovery,
    private readonly shutdownState: ShutdownState,
    private readonly timing: Timing,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation(JOBS_DOCS.list)
  @ApiQuery(JOBS_DOCS.status)
  @ApiQuery(JOBS_DOCS.limit)
  @ApiQuery(JOBS_DOCS.cursor)
  @ApiOkResponse({ type: JobPageDto, description: 'A page of them.' })
  @ApiErrors(400, 500)
  async list(@Query(JOB_QUERY) query: JobQuery, @Req() request: HasUrl): Promise<JobPageDto> {
    return toJobPageDto(await this.jobs.list(query), this.#urls(request));
  }

  @Get(':id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The state of a job' })
  @ApiParam(ID)
  @ApiOkResponse({ type: JobDto, description: 'The job.' })
  @ApiErrors(404, 500)
  async find(@Param('id', JOB_ID) id: string, @Req() request: HasUrl): Promise<JobDto> {
    return toJobDto(await this.jobs.find(id), this.#urls(request));
  }

  @Get(':id/workflow')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The workflow of a job' })
  @ApiParam(ID)
  @ApiResponse({ status: 200, ...JOBS_DOCS.workflow })
  @ApiErrors(404, 500)
  async workflow(@Param('id', JOB_ID) id: string): Promise<string> {
    return writeWorkflow(await this.jobs.workflow(id));
  }

  @Get(':id/events')
  @ApiOperation(JOBS_DOCS.events)
  @ApiParam(ID)
  @ApiResponse({ status: 200, ...JOBS_DOCS.stream })
  @ApiErrors(404, 500)
  async events(@Param('id', JOB_ID) id: string, @Req() request: HasUrl, @Res() response: AnyResponse): Promise<void> {
    const session = await this.jobs.watch(id);
    const disconnected = watchConnection(response, id, () => session.release());
    const signal = AbortSignal.any([this.shutdownState.signal, disconnected]);
    sendEvents(
      response,
      id,
      jobEvents({
        session,
        jobs: this.jobs,
        urls: this.#urls(request),
        repeatAfterMs: this.timing.eventRepeat,
        signal,
      }),
    );
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiOperation(JOBS_DOCS.cancel)
  @ApiParam(ID)
  @ApiOkResponse({ type: JobDto, description: 'The job as it is now.' })
  @ApiErrors(404, 500)
  async cancel(@Param('id', JOB_ID) id: string, @Req() request: HasUrl): Promise<JobDto> {
    return toJobDto(await this.jobs.cancel(id), this.#urls(request));
  }

  @Post(':id/collect')
  @HttpCode(200)
  @ApiOperation(JOBS_DOCS.collect)
  @ApiParam(ID)
  @ApiOkResponse({ type: JobDto, description: 'The job, which has succeeded now.' })
  @ApiErrors(404, 409, 500, 502, 503)
  async collect(@Param('id', JOB_ID) id: string, @Req() request: HasUrl): Promise<JobDto> {
    return toJobDto(await this.jobs.view(await this.outputRecovery.collect(id)), this.#urls(request));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a job that has ended, with its files' })
  @ApiParam(ID)
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404, 409, 500)
  async remove(@Param('id', JOB_ID) id: string): Promise<void> {
    await this.jobs.remove(id);
  }

  #urls(request: HasUrl): UrlBuilder {
    return new UrlBuilder(request, this.options.publicUrl);
  }
}

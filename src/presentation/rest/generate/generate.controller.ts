import { Body, Controller, HttpCode, Inject, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiOperation, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Generation, WaitOptions } from '../../../application/jobs/generation';
import { GenerationService } from '../../../application/jobs/generation.service';
import { JobService } from '../../../application/jobs/job.service';
import { ComfyUIError } from '../../../domain/errors';
import { hasEnded } from '../../../domain/job/job';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../../options/comfyui.options';
import { type GenerateBody, GenerateBodyPipe } from '../../shared/generate/generate-body.pipe';
import { GenerateDto } from '../../shared/generate/generate.dto';
import { generationRequest } from '../../shared/generate/generation-request';
import { GenerationDto } from '../../shared/generate/generation.dto';
import type { ResponseContext } from '../../shared/generate/response-context';
import { cancelAbandoned } from '../../shared/jobs/cancel-abandoned';
import { generationStream } from '../../shared/jobs/job-event-stream';
import { JobDto, toJobDto } from '../../shared/jobs/job.dto';
import { UrlBuilder } from '../../shared/url-builder';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { type AnyResponse, watchConnection } from '../streaming/connection';
import { begin, eventsResponse, type JobResponse } from '../streaming/response';
import { GENERATE_DOCS } from './generate.docs';
import { GenerationEventsFormatter } from './generation-events.formatter';
import { acceptedResponse, imageResponse, jsonResponse } from './generation-response';
import {
  type AnyRequest,
  parseRequestPreferences,
  type RequestPreferences,
  type ResponseFormat,
} from './request-preferences';

@ApiTags('generate')
@ApiExtraModels(GenerationDto, JobDto)
@Controller('generate')
@UseFilters(ComfyUIExceptionFilter)
export class GenerateController {
  constructor(
    private readonly generation: GenerationService,
    private readonly jobs: JobService,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation(GENERATE_DOCS.operation)
  @ApiHeader(GENERATE_DOCS.prefer)
  @ApiHeader(GENERATE_DOCS.idempotencyKey)
  @ApiBody({ type: GenerateDto })
  @ApiResponse({ status: 200, ...GENERATE_DOCS.result(getSchemaPath(GenerationDto)) })
  @ApiResponse({ status: 202, ...GENERATE_DOCS.accepted(getSchemaPath(JobDto)) })
  @ApiErrors(400, 409, 413, 422, 429, 500, 501, 502, 503, 504)
  async generate(
    @Body(GenerateBodyPipe) body: GenerateBody,
    @Req() request: AnyRequest,
    @Res({ passthrough: true }) response: AnyResponse,
  ): Promise<JobResponse['body']> {
    const preferences = parseRequestPreferences(request);
    const session = await this.generation.submit(generationRequest(body, preferences));
    const { cancelOnDisconnect, output: transform } = body;
    const signal = watchConnection(response, session.job.id, (isComplete) => {
      if (!isComplete && cancelOnDisconnect) void cancelAbandoned(this.jobs, session.job.id);
      generation.end();
    });
    const generation = this.generation.attach(session, this.#waitOptions(body, preferences, signal));
    const context = { urls: new UrlBuilder(request, this.options.publicUrl), transform };
    const responding = preferences.respondAsync
      ? this.#respondAsync(generation, context, preferences)
      : this.#respond(generation, context, preferences.format);
    // Not awaited: this function would keep the body in memory for as long as the caller waits.
    return responding.then((ready) => begin(response, ready));
  }

  #waitOptions(
    { response, output, timeout }: GenerateBody,
    { format, respondAsync, waitSeconds, whenUnreachable }: RequestPreferences,
    signal: AbortSignal,
  ): WaitOptions {
    return {
      timeoutSeconds: respondAsync ? (waitSeconds ?? 0) : (timeout ?? waitSeconds ?? this.options.generateTimeout),
      signal,
      whenUnreachable,
      withBytes: format === 'image' || response !== 'url',
      withLinks: format !== 'image',
      transform: output,
    };
  }

  #respond(generation: Generation, context: ResponseContext, format: ResponseFormat): Promise<JobResponse> {
    if (format === 'events') {
      const formatter = new GenerationEventsFormatter(generation, context);
      return Promise.resolve(
        eventsResponse(generation.session.job.id, generationStream(this.jobs, generation, formatter)),
      );
    }
    if (format === 'image') return generation.result().then(imageResponse);
    return generation.result().then((result) => jsonResponse(result, context));
  }

  /** The result if it is ready in time, else the job. */
  async #respondAsync(
    generation: Generation,
    context: ResponseContext,
    { format }: RequestPreferences,
  ): Promise<JobResponse> {
    const { session } = generation;
    try {
      if (generation.timeoutSeconds > 0) return await this.#respond(generation, context, format);
    } catch (error) {
      if (hasEnded(session.job) || !isStillGoing(error)) throw error;
    }
    const job = toJobDto(await this.jobs.view(session.job), context.urls);
    return acceptedResponse(job, context.urls.job(job.id));
  }
}

/** The wait has ended and the job has not; after a shutdown, it goes on when the service starts again. */
function isStillGoing(error: unknown): boolean {
  return error instanceof ComfyUIError && (error.code === 'timeout' || error.code === 'shutting_down');
}

import { Body, Controller, HttpCode, Inject, Logger, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiOperation, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { FileDeliveries } from '../../../application/assets/file-deliveries';
import type { FileDelivery } from '../../../application/assets/file-delivery';
import { GenerationService } from '../../../application/jobs/generation.service';
import { JobService } from '../../../application/jobs/job.service';
import type { JobSession, WhenUnreachable } from '../../../application/jobs/job-session';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../../options/comfyui.options';
import { ComfyUIError, toComfyUIError } from '../../../domain/errors';
import { hasEnded } from '../../../domain/job/job';
import { oneLine } from '../../../shared/text';
import { UrlBuilder } from '../../shared/url-builder';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { JobDto } from '../../shared/jobs/job.dto';
import { jobJson } from '../../shared/jobs/job-json';
import { type Answer, begin, eventsAnswer } from '../streaming/answer';
import { type AnyResponse, watchConnection } from '../streaming/connection';
import { acceptedAnswer, imageAnswer, jsonAnswer } from './answers';
import { GenerateDto } from '../../shared/generate/generate.dto';
import { GENERATE_DOCS } from './generate.docs';
import { type GenerateBody, GenerateBodyPipe } from '../../shared/generate/generate-body.pipe';
import { GenerationDto } from '../../shared/generate/generation.dto';
import { generationAnswer, type ResponseContext } from '../../shared/generate/generation-answer';
import { generationEvents } from './generation-events';
import type { AnswerFormat } from './preferences';
import { type AnyRequest, deliveryOptions, requestWith, readRequestPreferences } from './request-preferences';

/** What a caller waits for, how it is to be told, how long, and whether it still does. */
interface Waiting {
  readonly session: JobSession;
  readonly delivery: FileDelivery;
  readonly context: ResponseContext;
  readonly format: AnswerFormat;
  readonly timeoutSeconds: number;
  readonly whenUnreachable: WhenUnreachable;
  readonly signal: AbortSignal;
}

@ApiTags('generate')
@ApiExtraModels(GenerationDto, JobDto)
@Controller('generate')
@UseFilters(ComfyUIExceptionFilter)
export class GenerateController {
  readonly #logger = new Logger(GenerateController.name);

  constructor(
    private readonly generation: GenerationService,
    private readonly jobs: JobService,
    private readonly deliveries: FileDeliveries,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation(GENERATE_DOCS.operation)
  @ApiHeader(GENERATE_DOCS.prefer)
  @ApiHeader(GENERATE_DOCS.idempotencyKey)
  @ApiBody({ type: GenerateDto })
  @ApiResponse({ status: 200, ...GENERATE_DOCS.answer(getSchemaPath(GenerationDto)) })
  @ApiResponse({ status: 202, ...GENERATE_DOCS.accepted(getSchemaPath(JobDto)) })
  @ApiErrors(400, 409, 413, 422, 429, 500, 501, 502, 503, 504)
  async generate(
    @Body(GenerateBodyPipe) body: GenerateBody,
    @Req() request: AnyRequest,
    @Res({ passthrough: true }) response: AnyResponse,
  ): Promise<Answer['body']> {
    const preferences = readRequestPreferences(request);
    const { format, respondAsync, waitSeconds, whenUnreachable } = preferences;
    const session = await this.generation.submit(requestWith(body, preferences));
    const delivery = this.deliveries.begin(session, deliveryOptions(body, format));
    const { cancelOnDisconnect } = body;
    const { disconnected: signal } = watchConnection(response, (isComplete) => {
      if (!isComplete && cancelOnDisconnect) this.#cancel(session.job.id);
      delivery.end();
      session.release();
    });
    const context = { urls: new UrlBuilder(request, this.options.publicUrl), output: body.output };
    const waiting = { session, delivery, context, format, whenUnreachable, signal };
    const answer = respondAsync
      ? this.#answerLater({ ...waiting, timeoutSeconds: waitSeconds ?? 0 })
      : this.#answer({ ...waiting, timeoutSeconds: body.timeout ?? waitSeconds ?? this.options.generateTimeout });
    return answer.then((ready) => begin(response, ready));
  }

  /** The result if it comes in time, else the job. */
  async #answerLater(waiting: Waiting): Promise<Answer> {
    const { session, timeoutSeconds, context } = waiting;
    const { urls } = context;
    try {
      if (timeoutSeconds > 0) return await this.#answer(waiting);
    } catch (error) {
      if (hasEnded(session.job) || !isStillGoing(error)) throw error;
    }
    return acceptedAnswer(jobJson(await this.jobs.view(session.job), urls), urls.job(session.job.id));
  }

  /** Few functions are under way while it waits: each costs memory for every caller. */
  async #answer(waiting: Waiting): Promise<Answer> {
    const { session, delivery, context, format, timeoutSeconds, whenUnreachable, signal } = waiting;
    if (format === 'events') return eventsAnswer(session.job.id, generationEvents(waiting));
    try {
      const job = await session.ended(timeoutSeconds * 1000, signal, whenUnreachable);
      if (job.error) throw job.error;
      const generation = generationAnswer(job, await delivery.files(signal), context);
      return format === 'image' ? imageAnswer(generation) : jsonAnswer(generation);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new ComfyUIError('canceled', 'The caller went away before the answer.', {
        cause: error,
        jobId: session.job.id,
      });
    }
  }

  #cancel(id: string): void {
    this.jobs.cancel(id).catch((error: unknown) => {
      this.#logger.warn(`Job ${id} could not be canceled: ${oneLine(toComfyUIError(error).message)}`);
    });
  }
}

/** The wait is over, the job is not: with the service it goes on where it was. */
function isStillGoing(error: unknown): boolean {
  return error instanceof ComfyUIError && (error.code === 'timeout' || error.code === 'shutting_down');
}

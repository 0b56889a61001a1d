import { Body, Controller, HttpCode, Inject, Logger, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiOperation, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { Deliveries } from '../../../application/assets/deliveries';
import type { Delivery } from '../../../application/assets/delivery';
import { GenerationService } from '../../../application/generation.service';
import { JobService } from '../../../application/job.service';
import type { LiveJob, WhenUnreachable } from '../../../application/live-job';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../../comfyui.options';
import { ComfyUIError, toComfyUIError } from '../../../domain/errors';
import { hasEnded } from '../../../domain/job/job';
import { oneLine } from '../../../domain/text';
import { Addresses } from '../../addresses';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { JobDto } from '../../jobs/job.dto';
import { jobJson } from '../../jobs/job-json';
import { type Answer, begin, eventsAnswer } from '../streaming/answer';
import { type AnyResponse, watchConnection } from '../streaming/connection';
import { acceptedAnswer, imageAnswer, jsonAnswer } from './answers';
import { GenerateDto } from '../../generate/generate.dto';
import { GENERATE_DOCS } from './generate.docs';
import { type GenerateBody, GenerateBodyPipe } from '../../generate/generate-body.pipe';
import { GenerationDto } from '../../generate/generation.dto';
import { generationAnswer, type Telling } from '../../generate/generation-answer';
import { generationEvents } from './generation-events';
import type { AnswerFormat } from './preferences';
import { type AnyRequest, deliveryWish, requestWith, readWishes } from './wishes';

/** What a caller waits for, how it is to be told, how long, and whether it still does. */
interface Waiting {
  readonly live: LiveJob;
  readonly delivery: Delivery;
  readonly telling: Telling;
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
    private readonly deliveries: Deliveries,
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
    const wishes = readWishes(request);
    const { format, respondAsync, waitSeconds, whenUnreachable } = wishes;
    const live = await this.generation.submit(requestWith(body, wishes));
    const delivery = this.deliveries.begin(live, deliveryWish(body, format));
    const { cancelOnDisconnect } = body;
    const { disconnected: signal } = watchConnection(response, (isComplete) => {
      if (!isComplete && cancelOnDisconnect) this.#cancel(live.job.id);
      delivery.end();
      live.release();
    });
    const telling = { addresses: new Addresses(request, this.options.publicUrl), output: body.output };
    const waiting = { live, delivery, telling, format, whenUnreachable, signal };
    const answer = respondAsync
      ? this.#answerLater({ ...waiting, timeoutSeconds: waitSeconds ?? 0 })
      : this.#answer({ ...waiting, timeoutSeconds: body.timeout ?? waitSeconds ?? this.options.generateTimeout });
    return answer.then((ready) => begin(response, ready));
  }

  /** The result if it comes in time, else the job. */
  async #answerLater(waiting: Waiting): Promise<Answer> {
    const { live, timeoutSeconds, telling } = waiting;
    const { addresses } = telling;
    try {
      if (timeoutSeconds > 0) return await this.#answer(waiting);
    } catch (error) {
      if (hasEnded(live.job) || !isStillGoing(error)) throw error;
    }
    return acceptedAnswer(jobJson(await this.jobs.view(live.job), addresses), addresses.job(live.job.id));
  }

  /** Few functions are under way while it waits: each costs memory for every caller. */
  async #answer(waiting: Waiting): Promise<Answer> {
    const { live, delivery, telling, format, timeoutSeconds, whenUnreachable, signal } = waiting;
    if (format === 'events') return eventsAnswer(live.job.id, generationEvents(waiting));
    try {
      const job = await live.ended(timeoutSeconds * 1000, signal, whenUnreachable);
      if (job.error) throw job.error;
      const generation = generationAnswer(job, await delivery.files(signal), telling);
      return format === 'image' ? imageAnswer(generation) : jsonAnswer(generation);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new ComfyUIError('canceled', 'The caller went away before the answer.', {
        cause: error,
        jobId: live.job.id,
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

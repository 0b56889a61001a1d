import { Body, Controller, Headers, HttpCode, Inject, Logger, Post, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags, getSchemaPath, ApiExtraModels } from '@nestjs/swagger';
import type { GenerationResult } from '../../../application/generation-result';
import { GenerationService } from '../../../application/generation.service';
import type { LiveJob } from '../../../application/live-job';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../../comfyui.options';
import { ComfyUIError, toComfyUIError } from '../../../domain/errors';
import { oneLine } from '../../../domain/text';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { type AnyResponse, watchConnection } from './connection';
import { type Answer, eventsAnswer, imageAnswer, jsonAnswer } from './answers';
import { GenerateDto, GenerationDto } from './generate.dto';
import { GENERATE_DOCS } from './generate.docs';
import { generationEvents } from './generation-events';
import { type AnswerFormat, preferredWait, wantedFormat } from './preferences';
import { type GenerateBody, GenerateBodyPipe } from './generate-body.pipe';

@ApiTags('generate')
@ApiExtraModels(GenerationDto)
@Controller('generate')
@UseFilters(ComfyUIExceptionFilter)
export class GenerateController {
  readonly #logger = new Logger(GenerateController.name);

  constructor(
    private readonly generation: GenerationService,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation(GENERATE_DOCS.operation)
  @ApiHeader(GENERATE_DOCS.prefer)
  @ApiBody({ type: GenerateDto })
  @ApiResponse({ status: 200, ...GENERATE_DOCS.answer(getSchemaPath(GenerationDto)) })
  @ApiErrors(400, 409, 413, 422, 500, 502, 503, 504)
  async generate(
    @Body(GenerateBodyPipe) body: GenerateBody,
    @Headers('accept') accept: string | undefined,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) response: AnyResponse,
  ): Promise<Answer['body']> {
    const timeoutSeconds = body.timeout ?? preferredWait(prefer) ?? this.options.generateTimeout;
    const live = this.generation.submit({ workflow: body.prompt, allowPartial: body.allowPartial });
    const { disconnected } = watchConnection(response, () => live.release());
    if (body.cancelOnDisconnect) disconnected.addEventListener('abort', () => this.#cancel(live));
    const { headers, body: content } = await this.#answer(wantedFormat(accept), live, timeoutSeconds, disconnected);
    for (const [name, value] of Object.entries(headers)) response.header(name, value);
    return content;
  }

  async #answer(
    format: AnswerFormat,
    live: LiveJob,
    timeoutSeconds: number,
    disconnected: AbortSignal,
  ): Promise<Answer> {
    if (format === 'events') return eventsAnswer(live.job.id, generationEvents(this.generation, live, timeoutSeconds));
    const result = await this.#result(live, timeoutSeconds, disconnected);
    return format === 'image' ? imageAnswer(result) : jsonAnswer(result);
  }

  async #result(live: LiveJob, timeoutSeconds: number, signal: AbortSignal): Promise<GenerationResult> {
    try {
      return await this.generation.result(live, { timeoutSeconds, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new ComfyUIError('canceled', 'The caller went away before the answer.', {
        cause: error,
        jobId: live.job.id,
      });
    }
  }

  #cancel(live: LiveJob): void {
    this.generation.cancel(live).catch((error: unknown) => {
      this.#logger.warn(`Job ${live.job.id} could not be canceled: ${oneLine(toComfyUIError(error).message)}`);
    });
  }
}

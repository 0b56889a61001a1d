import { Controller, Delete, Get, Header, HttpCode, Inject, Param, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { AssetService } from '../../../application/assets/asset.service';
import { ImageConversions } from '../../../application/assets/images/image-conversions';
import type { AssetQuery } from '../../../application/assets/asset-repository';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../../options/comfyui.options';
import { ComfyUIError } from '../../../domain/errors';
import { UrlBuilder, type HasUrl } from '../../shared/url-builder';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { type AnyResponse, rawResponse, watchConnection } from '../streaming/connection';
import { type FileAnswer, sendFile } from '../streaming/send-file';
import { UuidPipe } from '../../shared/uuid.pipe';
import { type AskedAsset, fileAnswer, pictureAnswer } from './asset-answers';
import { AssetDto, AssetPageDto } from './asset.dto';
import { assetJson } from './asset-json';
import { AssetQueryPipe } from './asset-query.pipe';
import { type AssetWish, DeliveryQueryPipe } from './delivery-query.pipe';
import { ASSETS_DOCS } from './assets.docs';

const ASSET_ID = new UuidPipe('asset');

@ApiTags('assets')
@Controller('assets')
@UseFilters(ComfyUIExceptionFilter)
export class AssetsController {
  constructor(
    private readonly assets: AssetService,
    private readonly conversions: ImageConversions,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation(ASSETS_DOCS.list)
  @ASSETS_DOCS.filters
  @ApiOkResponse({ type: AssetPageDto, description: 'A page of them.' })
  @ApiErrors(400, 500)
  async list(@Query(AssetQueryPipe) query: AssetQuery, @Req() request: HasUrl): Promise<AssetPageDto> {
    const { assets, next } = await this.assets.list(query);
    const urls = new UrlBuilder(request, this.options.publicUrl);
    return { assets: assets.map((asset) => assetJson(asset, urls)), next };
  }

  @Get(':id')
  @ApiOperation(ASSETS_DOCS.bytes)
  @ApiParam(ASSETS_DOCS.id)
  @ASSETS_DOCS.preferences
  @ASSETS_DOCS.conditions
  @ApiResponse({ status: 200, ...ASSETS_DOCS.whole })
  @ApiResponse({ status: 206, ...ASSETS_DOCS.part })
  @ApiResponse({ status: 304, ...ASSETS_DOCS.unchanged })
  @ApiErrors(400, 404, 416, 500, 501, 503)
  async bytes(
    @Param('id', ASSET_ID) id: string,
    @Query(DeliveryQueryPipe) options: AssetWish,
    @Res() response: AnyResponse,
  ): Promise<void> {
    const asset = await this.assets.find(id);
    // With a public URL other sites may show the files; what they are not allowed is to read them.
    if (this.options.publicUrl !== undefined) response.header('Cross-Origin-Resource-Policy', 'cross-origin');
    const { disconnected: signal } = watchConnection(response, () => undefined);
    const asked = { asset, isDownload: options.isDownload, request: rawResponse(response).req, signal };
    try {
      void sendFile(response, await this.#answer(asked, options));
    } catch (error) {
      if (signal.aborted) throw goneAway(asset.jobId, error);
      if (isBeyondEnd(error)) response.header('Content-Range', `bytes */${asset.file.sizeBytes}`);
      throw error;
    }
  }

  @Get(':id/meta')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'What is known of a file' })
  @ApiParam(ASSETS_DOCS.id)
  @ApiOkResponse({ type: AssetDto, description: 'The asset.' })
  @ApiErrors(404, 500)
  async meta(@Param('id', ASSET_ID) id: string, @Req() request: HasUrl): Promise<AssetDto> {
    return assetJson(await this.assets.find(id), new UrlBuilder(request, this.options.publicUrl));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation(ASSETS_DOCS.remove)
  @ApiParam(ASSETS_DOCS.id)
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiErrors(404, 409, 500)
  async remove(@Param('id', ASSET_ID) id: string): Promise<void> {
    await this.assets.remove(id);
  }

  async #answer(asked: AskedAsset, { picture: options }: AssetWish): Promise<FileAnswer> {
    const { asset } = asked;
    if (!options) return fileAnswer(asked, this.assets);
    const source = { ...asset.file, open: (signal: AbortSignal) => this.assets.stream(asset, signal) };
    return pictureAnswer(asked, { source, options }, this.conversions);
  }
}

function isBeyondEnd(error: unknown): boolean {
  return error instanceof ComfyUIError && error.code === 'range_not_satisfiable';
}

function goneAway(jobId: string, cause: unknown): ComfyUIError {
  return new ComfyUIError('canceled', 'The caller went away before the file.', { cause, jobId });
}

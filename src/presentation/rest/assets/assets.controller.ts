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
import { sendFile } from '../streaming/send-file';
import { DtoPipe } from '../../shared/validation/dto.pipe';
import { UuidPipe } from '../../shared/validation/uuid.pipe';
import { AssetQueryDto } from './asset-query.dto';
import { convertedImageResponse, storedFileResponse } from './asset-response';
import { AssetDto, AssetPageDto, toAssetDto, toAssetPageDto } from './asset.dto';
import { ASSETS_DOCS } from './assets.docs';
import { type DeliveryQuery, DeliveryQueryDto, transformOf } from './delivery-query.dto';

const ASSET_ID = new UuidPipe('asset');
const ASSET_QUERY = new DtoPipe(AssetQueryDto);
const DELIVERY_QUERY = new DtoPipe(DeliveryQueryDto);

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
  async list(@Query(ASSET_QUERY) query: AssetQuery, @Req() request: HasUrl): Promise<AssetPageDto> {
    return toAssetPageDto(await this.assets.list(query), new UrlBuilder(request, this.options.publicUrl));
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
    @Query(DELIVERY_QUERY) query: DeliveryQuery,
    @Res() response: AnyResponse,
  ): Promise<void> {
    const asset = await this.assets.find(id);
    // With a public URL, other sites may show the files, but not read them.
    if (this.options.publicUrl !== undefined) response.header('Cross-Origin-Resource-Policy', 'cross-origin');
    const signal = watchConnection(response, asset.jobId);
    const assetRequest = { asset, isDownload: query.isDownload, request: rawResponse(response).req, signal };
    const transform = transformOf(query);
    try {
      const file = transform
        ? await convertedImageResponse(assetRequest, transform, this.assets, this.conversions)
        : await storedFileResponse(assetRequest, this.assets);
      void sendFile(response, file);
    } catch (error) {
      signal.throwIfAborted();
      if (isBeyondEnd(error)) response.header('Content-Range', `bytes */${asset.file.sizeBytes}`);
      throw error;
    }
  }

  @Get(':id/meta')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The metadata of a file' })
  @ApiParam(ASSETS_DOCS.id)
  @ApiOkResponse({ type: AssetDto, description: 'The asset.' })
  @ApiErrors(404, 500)
  async meta(@Param('id', ASSET_ID) id: string, @Req() request: HasUrl): Promise<AssetDto> {
    return toAssetDto(await this.assets.find(id), new UrlBuilder(request, this.options.publicUrl));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation(ASSETS_DOCS.remove)
  @ApiParam(ASSETS_DOCS.id)
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors(404, 409, 500)
  async remove(@Param('id', ASSET_ID) id: string): Promise<void> {
    await this.assets.remove(id);
  }
}

function isBeyondEnd(error: unknown): boolean {
  return error instanceof ComfyUIError && error.code === 'range_not_satisfiable';
}

import { registerAs } from '@nestjs/config';
import { Expose, Type } from 'class-transformer';
import { IsInt, IsPositive, IsString, Min } from 'class-validator';
import type { ComfyUIOptions } from '../comfyui.options';
import { readEnvironment } from './environment';

class ComfyUIEnvironment {
  @Expose()
  @IsString()
  COMFYUI_BASE_URL?: string;

  @Expose()
  @IsString()
  COMFYUI_USERNAME?: string;

  @Expose()
  @IsString()
  COMFYUI_PASSWORD?: string;

  @Expose()
  @Type(() => Number)
  @IsPositive()
  COMFYUI_CONNECT_TIMEOUT_SECONDS?: number;

  @Expose()
  @Type(() => Number)
  @IsPositive()
  COMFYUI_RESPONSE_TIMEOUT_SECONDS?: number;

  @Expose()
  @Type(() => Number)
  @IsPositive()
  GENERATE_TIMEOUT_SECONDS?: number;

  @Expose()
  @IsString()
  SPOOL_DIR?: string;

  @Expose()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  SPOOL_MEMORY_MIB?: number;
}

/** How to reach ComfyUI, and how long to wait for it. */
export const comfyUIConfig = registerAs('comfyui', (): ComfyUIOptions => {
  const env = readEnvironment(ComfyUIEnvironment);
  return {
    baseUrl: env.COMFYUI_BASE_URL,
    username: env.COMFYUI_USERNAME,
    password: env.COMFYUI_PASSWORD,
    connectTimeout: env.COMFYUI_CONNECT_TIMEOUT_SECONDS,
    responseTimeout: env.COMFYUI_RESPONSE_TIMEOUT_SECONDS,
    generateTimeout: env.GENERATE_TIMEOUT_SECONDS,
    spoolDirectory: env.SPOOL_DIR,
    spoolMemory: env.SPOOL_MEMORY_MIB === undefined ? undefined : env.SPOOL_MEMORY_MIB * 1024 * 1024,
  };
});

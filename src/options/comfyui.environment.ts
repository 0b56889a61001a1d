import { Expose, Type } from 'class-transformer';
import { IsBoolean, IsIn, IsNumber, IsString } from 'class-validator';
import { type Role, ROLES } from './role';
import type { ComfyUIOptions } from './comfyui.options';
import { asBoolean, StorageEnvironment } from './storage.environment';

/** The variables that become options of the module; what the numbers may be, the options know. */
export class ComfyUIEnvironment extends StorageEnvironment {
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
  @IsString()
  COMFYUI_BACKENDS?: string;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  COMFYUI_CONCURRENCY?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  COMFYUI_PREFETCH?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  COMFYUI_CONNECT_TIMEOUT_SECONDS?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  COMFYUI_RESPONSE_TIMEOUT_SECONDS?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  GENERATE_TIMEOUT_SECONDS?: number;

  @Expose()
  @IsString()
  SPOOL_DIR?: string;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  SPOOL_MEMORY_MIB?: number;

  @Expose()
  @IsString()
  DATA_DIR?: string;

  @Expose()
  @IsString()
  DATABASE_URL?: string;

  @Expose()
  @IsString()
  REDIS_URL?: string;

  @Expose()
  @IsIn(ROLES)
  ROLE?: Role;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  MAX_QUEUE?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  QUEUE_TIMEOUT?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  RUN_TIMEOUT?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  MAX_ATTEMPTS?: number;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  SHUTDOWN_GRACE?: number;

  @Expose()
  @IsString()
  PUBLIC_URL?: string;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  RETENTION_DAYS?: number;

  @Expose()
  @asBoolean
  @IsBoolean()
  COMFYUI_CLEAN_HISTORY?: boolean;
}

/** Which variable sets which option. */
export const VARIABLES: Readonly<Record<keyof ComfyUIOptions, keyof ComfyUIEnvironment>> = {
  baseUrl: 'COMFYUI_BASE_URL',
  username: 'COMFYUI_USERNAME',
  password: 'COMFYUI_PASSWORD',
  backends: 'COMFYUI_BACKENDS',
  concurrency: 'COMFYUI_CONCURRENCY',
  prefetch: 'COMFYUI_PREFETCH',
  connectTimeout: 'COMFYUI_CONNECT_TIMEOUT_SECONDS',
  responseTimeout: 'COMFYUI_RESPONSE_TIMEOUT_SECONDS',
  generateTimeout: 'GENERATE_TIMEOUT_SECONDS',
  spoolDirectory: 'SPOOL_DIR',
  spoolMemory: 'SPOOL_MEMORY_MIB',
  dataDirectory: 'DATA_DIR',
  databaseUrl: 'DATABASE_URL',
  redisUrl: 'REDIS_URL',
  role: 'ROLE',
  maxQueue: 'MAX_QUEUE',
  queueTimeout: 'QUEUE_TIMEOUT',
  runTimeout: 'RUN_TIMEOUT',
  maxAttempts: 'MAX_ATTEMPTS',
  shutdownGrace: 'SHUTDOWN_GRACE',
  storage: 'STORAGE',
  supabaseTable: 'SUPABASE_TABLE',
  publicUrl: 'PUBLIC_URL',
  retentionDays: 'RETENTION_DAYS',
  cleanHistory: 'COMFYUI_CLEAN_HISTORY',
};

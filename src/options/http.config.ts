import { registerAs } from '@nestjs/config';
import { Expose, Type } from 'class-transformer';
import { IsInt, IsPositive, IsString, Max, Min } from 'class-validator';
import { readEnvironment } from './environment';

class HttpEnvironment {
  @Expose()
  @IsString()
  HOST: string = '127.0.0.1';

  @Expose()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(65_535)
  PORT: number = 8189;

  @Expose()
  @Type(() => Number)
  @IsPositive()
  BODY_LIMIT_MIB: number = 32;
}

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Bytes a request's body may have. */
  readonly bodyLimit: number;
}

/** Where the service listens, and what it takes. */
export const httpConfig = registerAs('http', (): HttpConfig => {
  const { HOST, PORT, BODY_LIMIT_MIB } = readEnvironment(HttpEnvironment);
  return { host: HOST, port: PORT, bodyLimit: Math.floor(BODY_LIMIT_MIB * 1024 * 1024) };
});

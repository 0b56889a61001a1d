import { registerAs } from '@nestjs/config';
import { Expose } from 'class-transformer';
import { IsIn } from 'class-validator';
import { readEnvironment } from './environment';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

class LogEnvironment {
  @Expose()
  @IsIn(LEVELS)
  LOG_LEVEL: string = 'info';

  @Expose()
  @IsIn(['json', 'pretty'])
  LOG_FORMAT?: 'json' | 'pretty';
}

export interface LogConfig {
  readonly level: string;
  readonly pretty: boolean;
}

/** How much is logged and how; by default readable lines on a terminal, JSON elsewhere. */
export const logConfig = registerAs('log', (): LogConfig => {
  const { LOG_LEVEL, LOG_FORMAT } = readEnvironment(LogEnvironment);
  return {
    level: LOG_LEVEL,
    pretty: LOG_FORMAT === undefined ? process.stdout.isTTY : LOG_FORMAT === 'pretty',
  };
});

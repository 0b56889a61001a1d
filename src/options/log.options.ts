import { OneOf } from './checks';
import { Setting } from './setting';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** What the service logs, and how. */
export class LogSettings {
  /** Lowest level that is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`. */
  @Setting('LOG_LEVEL')
  @OneOf(LEVELS)
  readonly level: string = 'info';

  /**
   * Format of the log: `json`, or `pretty` for readable lines.
   * @defaultValue `pretty` on a terminal, else `json`
   */
  @Setting('LOG_FORMAT')
  @OneOf(['json', 'pretty'])
  readonly format?: 'json' | 'pretty';
}

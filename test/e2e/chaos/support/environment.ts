import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** Sets `hasFailed` for the hooks after a test. */
export default class ChaosEnvironment extends TestEnvironment {
  handleTestEvent({ name }: Circus.Event): void {
    if (name === 'test_start') this.global.hasFailed = false;
    if (name === 'test_fn_failure') this.global.hasFailed = true;
  }
}

import { WholeNumber } from '../../../src/options/checks';
import { serviceSettings } from '../../../src/options/environment';
import { resolve } from '../../../src/options/resolve';
import { Setting } from '../../../src/options/setting';

/** One declaration is all that a new option needs. */
class ExampleSettings {
  /** Jobs that one caller may have waiting. */
  @Setting('MAX_QUEUE_PER_CALLER')
  @WholeNumber(1, 1_000)
  maxQueuePerCaller: number = 50;
}

class SizeSettings extends ExampleSettings {
  /** Largest upload. */
  @Setting('UPLOAD_LIMIT_KIB', { factor: 1024 })
  @WholeNumber(0)
  uploadLimit: number = 2048;
}

const before = { ...process.env };

afterEach(() => {
  process.env = { ...before };
});

describe('a declared setting', () => {
  it.each([[{}], [{ maxQueuePerCaller: undefined }], [{ maxQueuePerCaller: null }]])(
    'has its default in the module: %j',
    (options) => {
      expect(resolve(ExampleSettings, options)).toEqual({ maxQueuePerCaller: 50 });
    },
  );

  it.each([['7'], [0], [1_001], [1.5], [NaN], [true]])('is checked under the name of the option: %p', (value) => {
    expect(() => resolve(ExampleSettings, { maxQueuePerCaller: value })).toThrow(
      'ComfyUIModule: option maxQueuePerCaller must be a whole number from 1 to 1000.',
    );
  });

  it('is read from its variable', () => {
    process.env.MAX_QUEUE_PER_CALLER = '7';
    expect(serviceSettings(ExampleSettings)).toEqual({ maxQueuePerCaller: 7 });
    process.env.MAX_QUEUE_PER_CALLER = '';
    expect(serviceSettings(ExampleSettings)).toEqual({ maxQueuePerCaller: 50 });
  });

  it('is checked under the name of the variable', () => {
    process.env.MAX_QUEUE_PER_CALLER = 'many';
    expect(() => serviceSettings(ExampleSettings)).toThrow(
      'Configuration: MAX_QUEUE_PER_CALLER must be a whole number from 1 to 1000.',
    );
  });

  it('may have another unit in its variable', () => {
    process.env.UPLOAD_LIMIT_KIB = '0.5';
    expect(serviceSettings(SizeSettings).uploadLimit).toBe(512);
  });

  it('is reported together with all others that are wrong, those of the base class too', () => {
    expect(() => resolve(SizeSettings, { maxQueuePerCaller: 0, uploadLimit: -1 })).toThrow(
      /option uploadLimit must .*; option maxQueuePerCaller must .*|option maxQueuePerCaller must .*; option uploadLimit must .*/,
    );
  });
});

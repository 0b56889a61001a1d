import { readPreferences, wantedFormat } from '../../../src/presentation/rest/generate/preferences';

describe('wantedFormat', () => {
  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['application/json, text/plain, */*', 'json'],
    ['text/html', 'json'],
    ['nonsense', 'json'],
    ['image/png', 'image'],
    ['image/*', 'image'],
    ['image/webp,*/*;q=0.8', 'image'],
    ['image/png;q=0.5, application/json', 'json'],
    ['text/event-stream', 'events'],
    ['text/event-stream, application/json;q=0.1', 'events'],
  ])('takes %j for %s', (accept, format) => {
    expect(wantedFormat(accept)).toBe(format);
  });
});

describe('readPreferences', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['respond-async', undefined],
    ['wait=30', 30],
    ['respond-async, wait=10', 10],
    ['wait = "5"; foo=bar', 5],
    ['WAIT=2.5', 2.5],
    ['wait=5, wait=10', 5],
    ['foo="a, wait=7", wait=3', 3],
    ['foo="a \\", wait=7", wait=3', 3],
    ['foo;wait=7', undefined],
    ['await=30', undefined],
    ['wait', undefined],
    ['wait=0', undefined],
    ['wait=-3', undefined],
    ['wait=30s', undefined],
    ['wait=999999999', undefined],
    ['foo="never closed, wait=7', undefined],
  ])('reads of %j to wait %s seconds', (prefer, seconds) => {
    expect(readPreferences(prefer).waitSeconds).toBe(seconds);
  });

  it.each([
    [undefined, false],
    ['wait=10', false],
    ['respond-async', true],
    ['Respond-Async', true],
    ['wait=10, respond-async', true],
    ['return=minimal,respond-async;foo=bar,', true],
    ['respond-async=""', true],
    ['respond-async=no', false],
    ['foo="respond-async"', false],
    ['foo="a, respond-async"', false],
    ['respond-asynchronously', false],
  ])('reads of %j whether to respond early: %s', (prefer, respondAsync) => {
    expect(readPreferences(prefer).respondAsync).toBe(respondAsync);
  });

  it.each([`wait=${' '.repeat(100_000)}x`, '"'.repeat(100_001), '\\"'.repeat(100_000), ','.repeat(100_000)])(
    'takes no time to make nothing of nonsense',
    (prefer) => {
      const started = performance.now();
      expect(readPreferences(prefer)).toEqual({ respondAsync: false, waitSeconds: undefined });
      expect(performance.now() - started).toBeLessThan(200);
    },
  );
});

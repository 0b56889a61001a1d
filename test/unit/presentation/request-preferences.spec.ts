import type { GenerateBody } from '../../../src/presentation/shared/generate/generate-body.pipe';
import { generationRequest } from '../../../src/presentation/shared/generate/generation-request';
import { parseIdempotencyKey } from '../../../src/presentation/shared/generate/idempotency-key.pipe';
import { UrlBuilder } from '../../../src/presentation/shared/url-builder';
import {
  parseAccept,
  parsePrefer,
  parseRequestPreferences,
} from '../../../src/presentation/rest/generate/request-preferences';

const preferencesOf = (headers: Record<string, string | string[]>) =>
  parseRequestPreferences({ url: '/generate', headers });

describe('parseIdempotencyKey', () => {
  it.each([
    [undefined, undefined],
    ['abc', 'abc'],
    ['  8e03978e-40d5-43dd-bc93-6894a57f9324 ', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"abc"', 'abc'],
    ['"a \\"b\\" \\\\"', 'a "b" \\'],
    ['"abc', '"abc'],
    ['a, b', 'a, b'],
    ['~'.repeat(255), '~'.repeat(255)],
  ])('reads %j as %j', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key);
  });

  it.each(['', '   ', '""', '" "', 'ä', 'a\tb', 'x'.repeat(256)])('refuses %j', (header) => {
    expect(() => parseIdempotencyKey(header)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});

describe('parseRequestPreferences', () => {
  it('puts the headers together', () => {
    const headers = { accept: 'image/png', prefer: ['wait=5', 'respond-async'], 'idempotency-key': 'k' };
    expect(preferencesOf(headers)).toEqual({
      format: 'image',
      respondAsync: true,
      waitSeconds: 5,
      whenUnreachable: 'queue',
      idempotencyKey: 'k',
    });
    expect(preferencesOf({})).toEqual({
      format: 'json',
      respondAsync: false,
      waitSeconds: undefined,
      whenUnreachable: 'refuse',
      idempotencyKey: undefined,
    });
  });

  it('prefers an event stream to an early response', () => {
    expect(preferencesOf({ accept: 'text/event-stream', prefer: 'respond-async' })).toMatchObject({
      format: 'events',
      respondAsync: false,
    });
  });
});

describe('generationRequest', () => {
  it('lets a job wait for a server only when no caller waits for the job', () => {
    const body: GenerateBody = { prompt: {}, priority: 5, labels: ['sdxl'], timeout: 3, cancelOnDisconnect: true };
    expect(generationRequest(body, preferencesOf({ prefer: 'respond-async', 'idempotency-key': 'k' }))).toEqual({
      workflow: body.prompt,
      allowPartial: undefined,
      priority: 5,
      labels: ['sdxl'],
      idempotencyKey: 'k',
      whenUnreachable: 'queue',
    });
    expect(generationRequest(body, preferencesOf({}))).toMatchObject({ whenUnreachable: 'refuse' });
  });
});

describe('the address of a job', () => {
  it.each([
    ['/generate', '/jobs/ID'],
    ['/generate/', '/jobs/ID'],
    ['/Generate?a=/b', '/jobs/ID'],
    ['/api/v1/generate', '/api/v1/jobs/ID'],
    ['/caf%C3%A9/generate', '/caf%C3%A9/jobs/ID'],
    ['http://elsewhere.example/host/generate', '/host/jobs/ID'],
    ['http://elsewhere.example//host/generate', '/host/jobs/ID'],
    ['//elsewhere.example/generate', '/jobs/ID'],
    ['/\\elsewhere.example/generate', '/jobs/ID'],
  ])('of a request to %s is %s: a path, whatever the host name of the request', (url, location) => {
    expect(new UrlBuilder({ url }, 'https://elsewhere.example').job('ID')).toBe(location);
  });
});

describe('parseAccept', () => {
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
  ])('reads %j as %s', (accept, format) => {
    expect(parseAccept(accept)).toBe(format);
  });
});

describe('parsePrefer', () => {
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
    expect(parsePrefer(prefer).waitSeconds).toBe(seconds);
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
    expect(parsePrefer(prefer).respondAsync).toBe(respondAsync);
  });

  it.each([`wait=${' '.repeat(100_000)}x`, '"'.repeat(100_001), '\\"'.repeat(100_000), ','.repeat(100_000)])(
    'ignores malformed headers in linear time',
    (prefer) => {
      const started = performance.now();
      expect(parsePrefer(prefer)).toEqual({ respondAsync: false, waitSeconds: undefined });
      expect(performance.now() - started).toBeLessThan(200);
    },
  );
});

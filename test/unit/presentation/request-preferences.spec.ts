import type { GenerateBody } from '../../../src/presentation/shared/generate/generate-body.pipe';
import { readIdempotencyKey } from '../../../src/presentation/shared/generate/idempotency-key';
import { UrlBuilder } from '../../../src/presentation/shared/url-builder';
import { requestWith, readRequestPreferences } from '../../../src/presentation/rest/generate/request-preferences';

const wishesOf = (headers: Record<string, string | string[]>) => readRequestPreferences({ url: '/generate', headers });

describe('readIdempotencyKey', () => {
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
    expect(readIdempotencyKey(header)).toBe(key);
  });

  it.each(['', '   ', '""', '" "', 'ä', 'a\tb', 'x'.repeat(256)])('refuses %j', (header) => {
    expect(() => readIdempotencyKey(header)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});

describe('readWishes', () => {
  it('puts the headers together', () => {
    const headers = { accept: 'image/png', prefer: ['wait=5', 'respond-async'], 'idempotency-key': 'k' };
    expect(wishesOf(headers)).toEqual({
      format: 'image',
      respondAsync: true,
      waitSeconds: 5,
      whenUnreachable: 'queue',
      idempotencyKey: 'k',
    });
    expect(wishesOf({})).toEqual({
      format: 'json',
      respondAsync: false,
      waitSeconds: undefined,
      whenUnreachable: 'refuse',
      idempotencyKey: undefined,
    });
  });

  it('streams the events of a job that was to be answered early', () => {
    expect(wishesOf({ accept: 'text/event-stream', prefer: 'respond-async' })).toMatchObject({
      format: 'events',
      respondAsync: false,
    });
  });
});

describe('requestWith', () => {
  it('lets a job wait for a server only when nobody waits for the job', () => {
    const body: GenerateBody = { prompt: {}, priority: 5, labels: ['sdxl'], timeout: 3, cancelOnDisconnect: true };
    expect(requestWith(body, wishesOf({ prefer: 'respond-async', 'idempotency-key': 'k' }))).toEqual({
      workflow: body.prompt,
      allowPartial: undefined,
      priority: 5,
      labels: ['sdxl'],
      idempotencyKey: 'k',
      whenUnreachable: 'queue',
    });
    expect(requestWith(body, wishesOf({}))).toMatchObject({ whenUnreachable: 'refuse' });
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
  ])('of a request to %s is %s: a path here, whoever was asked', (url, location) => {
    expect(new UrlBuilder({ url }, 'https://elsewhere.example').job('ID')).toBe(location);
  });
});

import { preferredWait, wantedFormat } from '../../../src/presentation/http/generate/preferences';

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

describe('preferredWait', () => {
  it.each([
    [undefined, undefined],
    ['respond-async', undefined],
    ['wait=30', 30],
    ['respond-async, wait=10', 10],
    ['wait = "5"; foo=bar', 5],
    ['WAIT=2.5', 2.5],
    ['await=30', undefined],
    ['wait=0', undefined],
    ['wait=-3', undefined],
    ['wait=30s', undefined],
    ['wait=999999999', undefined],
  ])('reads %j as %s', (prefer, seconds) => {
    expect(preferredWait(prefer)).toBe(seconds);
  });
});

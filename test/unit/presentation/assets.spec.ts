import { UuidPipe } from '../../../src/presentation/shared/validation/uuid.pipe';
import { contentHead, isUnchanged, readRange, validators } from '../../../src/presentation/rest/assets/asset-headers';
import { AssetQueryDto } from '../../../src/presentation/rest/assets/asset-query.dto';
import { UrlBuilder } from '../../../src/presentation/shared/url-builder';
import { DeliveryQueryDto, transformOf } from '../../../src/presentation/rest/assets/delivery-query.dto';
import { DtoPipe } from '../../../src/presentation/shared/validation/dto.pipe';

const ID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';

describe('the address of an asset', () => {
  it.each([
    ['/assets', `/assets/${ID}`],
    ['/assets?limit=3', `/assets/${ID}`],
    [`/assets/${ID}/meta`, `/assets/${ID}`],
    ['/generate', `/assets/${ID}`],
    ['/generate/', `/assets/${ID}`],
    [`/jobs/${ID}/events`, `/assets/${ID}`],
    ['/api/v1/generate?x=/jobs/', `/api/v1/assets/${ID}`],
    [`/api/v1/jobs/${ID}`, `/api/v1/assets/${ID}`],
    [`/API/Jobs/${ID}`, `/API/assets/${ID}`],
    [`/jobs/app/jobs/${ID}`, `/jobs/app/assets/${ID}`],
    ['/reassets/assets', `/reassets/assets/${ID}`],
    ['//evil.example/assets', `/assets/${ID}`],
    ['/\\evil.example/assets', `/assets/${ID}`],
    ['///evil.example/x/assets', `/x/assets/${ID}`],
    ['http://evil.example/x/assets', `/x/assets/${ID}`],
    ['/elsewhere', `/assets/${ID}`],
    [undefined, `/assets/${ID}`],
  ])('shares the prefix of the requested route: %s', (requestUrl, expected) => {
    expect(new UrlBuilder({ url: '/cut', originalUrl: requestUrl }, undefined).asset(ID)).toBe(expected);
  });

  it('is below the public URL where there is one', () => {
    const publicUrl = 'https://example.com/pictures';
    expect(new UrlBuilder({ url: '/api/jobs' }, publicUrl).asset(ID)).toBe(`https://example.com/pictures/assets/${ID}`);
  });
});

describe('the id of an asset', () => {
  it('is a UUID in any case', () => {
    expect(new UuidPipe('asset').transform(ID.toUpperCase())).toBe(ID);
  });

  it.each(['', 'abc', `${ID}x`, `{${ID}}`, '../../etc', '\n', undefined, ['x'], '%00'.repeat(1000)])(
    'is nothing else: %j is not found, and not repeated',
    (id) => {
      const message = 'There is no asset with this id: ids of assets are UUIDs.';
      expect(() => new UuidPipe('asset').transform(id)).toThrow(
        expect.objectContaining({ code: 'not_found', message }),
      );
    },
  );
});

describe('a time in a query', () => {
  const pipe = new DtoPipe(AssetQueryDto);

  it.each([
    ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T12:00:00.123Z', Date.UTC(2026, 0, 31, 12, 0, 0, 123)],
    ['2026-01-31T12:00Z', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T12:00:00+02:00', Date.UTC(2026, 0, 31, 10)],
    ['2026-01-31T12:00:00 02:00', Date.UTC(2026, 0, 31, 10)],
    ['2026-01-31T12:00:00-02:00', Date.UTC(2026, 0, 31, 14)],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
  ])('is read from %s', (text, ms) => {
    expect(pipe.transform({ from: text }).createdFrom).toBe(ms);
  });

  it.each([
    '2026-01-31T12:00:00',
    '2026-01',
    '2026',
    '31.01.2026',
    '1769860800000',
    '2026-02-30',
    '2026-02-30T00:00:00Z',
    '2026-13-01',
    '2026-01-31T25:00:00Z',
    '2026-01-31T12:00:00Z; drop table',
    'now',
  ])('is not %j', (text) => {
    const message = expect.stringContaining('before must be a time in ISO 8601');
    expect(() => pipe.transform({ before: text })).toThrow(expect.objectContaining({ message }));
  });
});

describe('the query for assets', () => {
  const pipe = new DtoPipe(AssetQueryDto);

  it.each([
    [{}, { limit: 20 }],
    [undefined, { limit: 20 }],
    [{ mediaType: '', jobId: '', from: '', before: '', label: '', text: '', limit: '', cursor: '' }, { limit: 20 }],
    [
      { limit: '100', cursor: 'abc' },
      { limit: 100, cursor: 'abc' },
    ],
    [{ mediaType: 'Image/PNG' }, { limit: 20, mediaType: 'image/png' }],
    [{ mediaType: 'image/*' }, { limit: 20, mediaType: 'image/*' }],
    [{ mediaType: 'image/svg xml' }, { limit: 20, mediaType: 'image/svg+xml' }],
    [{ jobId: ID.toUpperCase() }, { limit: 20, jobId: ID }],
    [
      { from: '2026-01-31', before: '2026-02-01T00:00:00Z' },
      { limit: 20, createdFrom: 1769817600000, createdBefore: 1769904000000 },
    ],
    [
      { label: ' Fox ', text: ' A fox%' },
      { limit: 20, label: ' Fox ', text: ' A fox%' },
    ],
  ])('is read from %j', (query, expected) => {
    expect(pipe.transform(query)).toEqual(expected);
  });

  it.each([
    [{ limit: '0' }, 'limit must be'],
    [{ limit: '101' }, 'limit must be'],
    [{ limit: '-1' }, 'limit must be'],
    [{ limit: '1.5' }, 'limit must be'],
    [{ limit: '1e1' }, 'limit must be'],
    [{ limit: ['1', '2'] }, 'limit must be given once'],
    [{ limit: { a: '1' } }, 'limit must be given once'],
    [{ mediaType: 'png' }, 'mediaType must be'],
    [{ mediaType: '*/*' }, 'mediaType must be'],
    [{ mediaType: 'image/p*' }, 'mediaType must be'],
    [{ mediaType: 'image/png; charset=x' }, 'mediaType must be'],
    [{ jobId: '7' }, 'jobId must be'],
    [{ from: 'yesterday' }, 'from must be a time in ISO 8601'],
    [{ before: '2026-02-30' }, 'before must be a time in ISO 8601'],
    [{ label: ['a', 'b'] }, 'label must be'],
    [{ label: 'x'.repeat(201) }, 'label must have at most 200'],
    [{ text: 'x'.repeat(501) }, 'text must have at most 500'],
    [{ cursor: 'x'.repeat(1000) }, 'cursor must'],
    [{ from: ['2026-01-31', '2026-01-31'] }, 'from must be given once'],
    [{ text: { a: 'b' } }, 'text must be given once'],
  ])('is refused with a short sentence: %#', (query, sentence) => {
    const message = expect.stringMatching(new RegExp(`^${sentence.replaceAll('*', '\\*')}.{0,200}$`));
    expect(() => pipe.transform(query)).toThrow(expect.objectContaining({ code: 'invalid_request', message }));
  });
});

describe('the query for the bytes of an asset', () => {
  const pipe = new DtoPipe(DeliveryQueryDto);

  it.each([
    [{}, { isDownload: false }],
    [undefined, { isDownload: false }],
    [{ format: '', width: '' }, { isDownload: false }],
    [{ download: '' }, { isDownload: true }],
    [{ download: 'true' }, { isDownload: true }],
    [{ download: 'false' }, { isDownload: false }],
    [{ download: '0' }, { isDownload: false }],
    [{ format: 'webp' }, { isDownload: false, format: 'webp' }],
    [
      { format: 'avif', quality: '1', width: '16384', height: '007', download: '1' },
      { isDownload: true, format: 'avif', quality: 1, width: 16_384, height: 7 },
    ],
    [{ quality: '50' }, { isDownload: false, quality: 50 }],
  ])('is read from %j', (query, expected) => {
    expect(pipe.transform(query)).toEqual(expected);
  });

  it.each([
    [{ format: 'gif' }, 'format must be any of png, jpeg, webp, avif.'],
    [{ format: 'svg' }, 'format must be any of png, jpeg, webp, avif.'],
    [{ format: ['png', 'webp'] }, 'format must be given once.'],
    [{ quality: '0' }, 'quality must be a whole number from 1 to 100.'],
    [{ quality: '101' }, 'quality must be a whole number from 1 to 100.'],
    [{ quality: 'high' }, 'quality must be a whole number from 1 to 100.'],
    [{ width: '0' }, 'width must be a whole number from 1 to 16384.'],
    [{ width: '1e3' }, 'width must be a whole number from 1 to 16384.'],
    [{ height: '16385' }, 'height must be a whole number from 1 to 16384.'],
    [{ height: '9'.repeat(400) }, 'height must be a whole number from 1 to 16384.'],
    [{ download: ['', ''] }, 'download must be given once.'],
  ])('is refused with a sentence: %#', (query, message) => {
    expect(() => pipe.transform(query)).toThrow(expect.objectContaining({ code: 'invalid_request', message }));
  });
});

describe('the conversion that a query asks for', () => {
  it('is none without any of its fields', () => {
    expect(transformOf({ isDownload: true })).toBeUndefined();
    expect(transformOf({ isDownload: false, width: 10 })).toEqual({ width: 10 });
  });
});

describe('the head of a file', () => {
  const head = validators('"abc"', Date.UTC(2026, 0, 31, 12, 0, 0, 999));

  it('may be cached for a year by the caller', () => {
    expect(head).toEqual({
      etag: '"abc"',
      'last-modified': 'Sat, 31 Jan 2026 12:00:00 GMT',
      'cache-control': 'private, max-age=31536000, immutable',
    });
  });

  it.each([
    'image/png',
    'image/jpeg',
    'image/webp',
    'image/gif',
    'image/avif',
    'image/bmp',
    'video/mp4',
    'video/webm',
    'video/quicktime',
    'audio/mpeg',
    'audio/wav',
  ])('of %s is to be shown', (mediaType) => {
    const kind = (isDownload: boolean) =>
      contentHead({ mediaType, filename: 'a', isDownload })['content-disposition']?.split(';')[0];
    expect([kind(false), kind(true)]).toEqual(['inline', 'attachment']);
  });

  it.each([
    'image/svg+xml',
    'text/html',
    'application/xhtml+xml',
    'text/xml',
    'application/xml',
    'application/pdf',
    'text/plain',
    'application/json',
    'text/javascript',
    'image/tiff',
    'application/octet-stream',
    'model/gltf-binary',
    'image/png, text/html',
    'video/mp4\ntext/html',
    '',
  ])('of %j is to be saved', (mediaType) => {
    const { 'content-disposition': disposition } = contentHead({ mediaType, filename: 'a', isDownload: false });
    expect(disposition).toMatch(/^attachment;/);
  });

  it('is enough for a caller that has the file, also through a client that adds no-cache', () => {
    const asked = { 'if-none-match': '"abc"', 'cache-control': 'no-cache' };
    expect(isUnchanged(asked, head)).toBe(true);
    expect(isUnchanged({ 'cache-control': 'no-cache' }, head)).toBe(false);
  });

  it.each([
    [{}, undefined],
    [{ range: 'bytes=0-9' }, { start: 0, end: 9 }],
    [{ range: 'bytes=90-' }, { start: 90, end: 99 }],
    [{ range: 'bytes=-10' }, { start: 90, end: 99 }],
    [{ range: 'bytes=-1000' }, { start: 0, end: 99 }],
    [{ range: 'bytes=50-1000' }, { start: 50, end: 99 }],
    [{ range: 'bytes=0-1, 5-6' }, undefined],
    [{ range: 'chapters=1-2' }, undefined],
    [{ range: 'bytes=a-b' }, undefined],
    [{ range: '' }, undefined],
    [
      { range: 'bytes=0-9', 'if-range': '"abc"' },
      { start: 0, end: 9 },
    ],
    [
      { range: 'bytes=0-9', 'if-range': 'Sat, 31 Jan 2026 12:00:00 GMT' },
      { start: 0, end: 9 },
    ],
    [{ range: 'bytes=0-9', 'if-range': 'W/"abc"' }, undefined],
    [{ range: 'bytes=0-9', 'if-range': '"other"' }, undefined],
    [{ range: 'bytes=500-', 'if-range': '"other"' }, undefined],
  ])('goes with the range of %j', (asked, range) => {
    expect(readRange(asked, head, 100)).toEqual(range);
  });

  it.each([
    ['bytes=100-', 100],
    ['bytes=-0', 100],
    ['bytes=0-', 0],
    ['bytes=-5', 0],
  ])('goes with no range: %s of %d bytes', (range, size) => {
    expect(() => readRange({ range }, head, size)).toThrow(expect.objectContaining({ code: 'range_not_satisfiable' }));
  });
});

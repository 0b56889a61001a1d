import { cacheKey, imageSpec, type ImageTransform } from '../../../src/application/assets/images/image-transform';

const SHA = 'a'.repeat(64);

describe('what an image is converted to', () => {
  it.each([
    ['image/png', 'png'],
    ['image/apng', 'png'],
    ['image/jpeg', 'jpeg'],
    ['image/webp', 'webp'],
    ['image/gif', 'webp'],
    ['image/avif', 'avif'],
    ['image/tiff', 'png'],
  ])('is its own format by default, where that is supported: %s becomes %s', (mediaType, format) => {
    expect(imageSpec(mediaType, { width: 10 })).toEqual({ format, width: 10 });
  });

  it('is what the transform asks for', () => {
    const options = { format: 'webp', quality: 7, width: 1, height: 16_384 } as const;
    expect(imageSpec('image/png', options)).toEqual(options);
  });

  it('has no quality as a PNG', () => {
    expect(imageSpec('image/jpeg', { format: 'png', quality: 7 })).toEqual({ format: 'png' });
  });

  it.each(['image/svg+xml', 'image/bmp', 'image/heic', 'video/mp4', 'application/pdf', 'text/html', 'constructor', ''])(
    'is nothing for %j',
    (mediaType) => {
      const message = expect.stringContaining(`this is ${mediaType}`);
      const refused = expect.objectContaining({ code: 'invalid_request', message });
      expect(() => imageSpec(mediaType, { format: 'png' })).toThrow(refused);
    },
  );

  it.each([
    [{ format: 'gif' }, 'format must be'],
    [{ format: 'JPEG' }, 'format must be'],
    [{ format: 'constructor' }, 'format must be'],
    [{ quality: 0 }, 'quality must be'],
    [{ quality: 101 }, 'quality must be'],
    [{ quality: 1.5 }, 'quality must be'],
    [{ quality: NaN }, 'quality must be'],
    [{ width: 0 }, 'width must be'],
    [{ width: 16_385 }, 'width must be'],
    [{ height: -1 }, 'height must be'],
    [{ height: '10' }, 'height must be'],
  ])('is refused with a sentence: %j', (options, sentence) => {
    const refused = { code: 'invalid_request', message: expect.stringContaining(sentence) };
    expect(() => imageSpec('image/png', options as ImageTransform)).toThrow(expect.objectContaining(refused));
  });

  it('has a cache key that fits into an entity tag, another for each', () => {
    const preferences: ImageTransform[] = [
      {},
      { format: 'webp' },
      { format: 'webp', quality: 10 },
      { width: 10 },
      { height: 10 },
      { width: 10, height: 10 },
      { format: 'webp', quality: 1, width: 0x10 },
      { format: 'webp', width: 10 },
    ];
    const keys = preferences.map((options) => cacheKey(SHA, imageSpec('image/png', options)));
    expect(new Set(keys).size).toBe(preferences.length);
    for (const key of keys) expect(key).toMatch(/^a{64}-[a-z0-9-]+$/);
    expect(cacheKey(SHA, imageSpec('image/png', { quality: 3 }))).toBe(keys[0]);
  });
});

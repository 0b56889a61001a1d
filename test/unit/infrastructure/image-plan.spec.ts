import type { Metadata } from 'sharp';
import type { ImageSpec } from '../../../src/application/assets/images/image-converter';
import { planFor } from '../../../src/infrastructure/images/image-plan';

const metadata = (fields: Partial<Metadata>) => ({ format: 'png', width: 4096, height: 4096, ...fields }) as Metadata;
const plan = (spec: ImageSpec, fields: Partial<Metadata> = {}) => planFor(metadata(fields), spec);

describe('the plan of a conversion', () => {
  it.each([
    ['png', 3.4],
    ['jpeg', 6.6],
    ['webp', 14.6],
    ['avif', 37.4],
  ] as const)('estimates more memory for %s than measured', (format, bytesPerPixel) => {
    const measured = 4096 * 4096 * bytesPerPixel;
    expect(plan({ format }).memory).toBeGreaterThan(measured);
    expect(plan({ format }).memory).toBeLessThan(3.6 * measured);
  });

  it('estimates less memory for a smaller result', () => {
    expect(plan({ format: 'webp', width: 100 }).memory).toBeLessThan(plan({ format: 'webp' }).memory / 4);
  });

  it('includes all frames only if the result is an animation', () => {
    const animation = { format: 'gif', width: 100, height: 100, pageHeight: 100, pages: 50 } as const;
    expect(plan({ format: 'webp' }, animation)).toMatchObject({ isAnimated: true, memory: 50 * 10_000 * 20 });
    expect(plan({ format: 'jpeg' }, animation)).toMatchObject({ isAnimated: false });
    expect(plan({ format: 'webp' }, { ...animation, format: 'tiff' })).toMatchObject({ isAnimated: false });
    expect(plan({ format: 'webp' }, { ...animation, pages: 1 })).toMatchObject({ isAnimated: false });
  });

  it.each([
    [{ width: 8193, height: 8192 }, { format: 'jpeg' }],
    [{ width: 16_384, height: 10 }, { format: 'webp' }],
    [{ width: 10, height: 16_385 }, { format: 'png' }],
    [{ width: 4097, height: 4096 }, { format: 'avif' }],
    [
      { width: 16_384, height: 10, orientation: 6 },
      { format: 'webp', width: 10 },
    ],
  ] as const)('refuses %j as %j', (fields, spec) => {
    expect(() => plan(spec, fields)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it.each([
    [{ width: 8192, height: 8192 }, { format: 'webp' }],
    [{ width: 16_383, height: 10 }, { format: 'webp' }],
    [
      { width: 8192, height: 8192 },
      { format: 'avif', width: 4096 },
    ],
    [
      { width: 16_384, height: 10, orientation: 6 },
      { format: 'webp', height: 16_383 },
    ],
  ] as const)('accepts %j as %j', (fields, spec) => {
    expect(plan(spec, fields).memory).toBeGreaterThan(0);
  });
});

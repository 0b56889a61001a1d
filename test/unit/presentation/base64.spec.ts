import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { base64Length, base64Of } from '../../../src/presentation/rest/streaming/base64';

async function encode(bytes: Buffer, chunkSize: number): Promise<string> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, i) =>
    bytes.subarray(i * chunkSize, (i + 1) * chunkSize),
  );
  let text = '';
  for await (const piece of base64Of(Readable.from(chunks))) text += piece;
  return text;
}

describe('base64Of', () => {
  it.each([0, 1, 2, 3, 4, 5, 100, 1023, 65_536, 600_001])(
    'encodes %i bytes as Buffer does, however they are cut',
    async (size) => {
      const bytes = randomBytes(size);
      for (const chunkSize of [1000, 64 * 1024, 1_000_000]) {
        const text = await encode(bytes, chunkSize);
        expect(text === bytes.toString('base64')).toBe(true);
        expect(base64Length(size)).toBe(text.length);
      }
    },
  );

  it('joins chunks that are no multiples of three', async () => {
    const bytes = randomBytes(50);
    for (const chunkSize of [1, 2, 4, 7]) expect(await encode(bytes, chunkSize)).toBe(bytes.toString('base64'));
  });
});

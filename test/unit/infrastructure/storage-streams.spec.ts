import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { contentDisposition } from '../../../src/shared/content-disposition';
import { Silence } from '../../../src/infrastructure/silence';
import { handedOut } from '../../../src/infrastructure/storage/handed-out';
import { wholeSize } from '../../../src/infrastructure/storage/whole-size';

const NEVER = new AbortController().signal;
const told = (error: Error) => new Error(`told: ${error.message}`);

describe('bytes handed out', () => {
  it('fail in the storage’s words', async () => {
    const source = new Readable({ read: () => undefined });
    const stream = handedOut(source, { signal: NEVER, told });
    source.push('a');
    source.destroy(new Error('reset'));
    await expect(buffer(stream)).rejects.toThrow('told: reset');
  });

  it('fail when the storage falls silent', async () => {
    const source = new Readable({ read: () => undefined });
    const stream = handedOut(source, { signal: NEVER, told, silenceMs: 30 });
    source.push('a');
    await expect(buffer(stream)).rejects.toThrow('sent nothing for 0.03 s');
    expect(source.destroyed).toBe(true);
  });

  it('wait for a slow reader', async () => {
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(64 * 1024));
    const stream = handedOut(Readable.from(pieces, { objectMode: false }), { signal: NEVER, told, silenceMs: 30 });
    await once(stream, 'readable');
    await setTimeout(150);
    expect(await buffer(stream)).toHaveLength(20 * 64 * 1024);
  });
});

it('a silence is broken by what moves, and ends what does not', async () => {
  const silence = new Silence(NEVER, 60);
  for (let i = 0; i < 5; i += 1) {
    await setTimeout(30);
    silence.broken();
  }
  expect(silence.signal.aborted).toBe(false);
  await once(silence.signal, 'abort');
  expect(silence.signal.reason).toMatchObject({ code: 'ESILENT' });
});

it('a silence follows its caller until it ends', () => {
  const caller = new AbortController();
  const [one, other] = [new Silence(caller.signal, 1000), new Silence(caller.signal, 1000)];
  other.end();
  caller.abort(new Error('enough'));
  expect(one.signal.reason).toBe(caller.signal.reason);
  expect(other.signal.aborted).toBe(false);
  one.end();
});

it.each([
  ['a whole file', { length: 100 }, undefined, 100],
  ['a part', { contentRange: 'bytes 10-19/100', length: 10 }, { start: 10, end: 19 }, 100],
  ['a part that ends with the file', { contentRange: 'bytes 90-99/100', length: 10 }, { start: 90, end: 200 }, 100],
])('the size is known from %s', (_what, answered, range, size) => {
  expect(wholeSize(answered, range, 'It')).toBe(size);
});

it.each([
  ['the whole file instead of a part', { length: 100 }, { start: 10, end: 19 }],
  ['another part', { contentRange: 'bytes 0-99/100', length: 100 }, { start: 0, end: 0 }],
  ['no size', {}, undefined],
])('%s is not taken for what was asked for', (_what, answered, range) => {
  expect(() => wholeSize(answered, range, 'It')).toThrow('sends other bytes');
});

it.each([
  ['plain.png', 'attachment; filename="plain.png"'],
  ['a "b"\\%.png', `attachment; filename="a _b___.png"; filename*=UTF-8''a%20%22b%22%5C%25.png`],
  ['ü\r\nX: y', `attachment; filename="___X: y"; filename*=UTF-8''%C3%BC%0D%0AX%3A%20y`],
  ["it's (1)*\ud800", `attachment; filename="it's (1)*_"; filename*=UTF-8''it%27s%20%281%29%2A%EF%BF%BD`],
])('the name %j goes into a header whole and harmless', (filename, header) => {
  expect(contentDisposition({ filename, inline: false })).toBe(header);
});

import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { contentDisposition } from '../../../src/shared/content-disposition';
import { InactivityTimeout } from '../../../src/infrastructure/inactivity-timeout';
import { storageStream } from '../../../src/infrastructure/storage/storage-stream';
import { wholeSize } from '../../../src/infrastructure/storage/whole-size';

const NEVER = new AbortController().signal;
const toError = (error: Error) => new Error(`converted: ${error.message}`);

describe('storageStream', () => {
  it('converts errors of the source', async () => {
    const source = new Readable({ read: () => undefined });
    const stream = storageStream(source, { signal: NEVER, toError });
    source.push('a');
    source.destroy(new Error('reset'));
    await expect(buffer(stream)).rejects.toThrow('converted: reset');
  });

  it('fails if the source sends no data', async () => {
    const source = new Readable({ read: () => undefined });
    const stream = storageStream(source, { signal: NEVER, toError, inactivityMs: 30 });
    source.push('a');
    await expect(buffer(stream)).rejects.toThrow('sent no data for 0.03 s');
    expect(source.destroyed).toBe(true);
  });

  it('waits for a slow reader', async () => {
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(64 * 1024));
    const source = Readable.from(chunks, { objectMode: false });
    const stream = storageStream(source, { signal: NEVER, toError, inactivityMs: 30 });
    await once(stream, 'readable');
    await setTimeout(150);
    expect(await buffer(stream)).toHaveLength(20 * 64 * 1024);
  });
});

it('an inactivity timeout restarts with each activity and aborts without', async () => {
  const timeout = new InactivityTimeout(NEVER, 60);
  for (let i = 0; i < 5; i += 1) {
    await setTimeout(30);
    timeout.refresh();
  }
  expect(timeout.signal.aborted).toBe(false);
  await once(timeout.signal, 'abort');
  expect(timeout.signal.reason).toMatchObject({ code: 'ESILENT' });
});

it('an inactivity timeout aborts with its caller until it is disposed', () => {
  const caller = new AbortController();
  const [one, other] = [new InactivityTimeout(caller.signal, 1000), new InactivityTimeout(caller.signal, 1000)];
  other.dispose();
  caller.abort(new Error('aborted'));
  expect(one.signal.reason).toBe(caller.signal.reason);
  expect(other.signal.aborted).toBe(false);
  one.dispose();
});

it.each([
  ['a whole file', { length: 100 }, undefined, 100],
  ['a part', { contentRange: 'bytes 10-19/100', length: 10 }, { start: 10, end: 19 }, 100],
  ['a part that ends with the file', { contentRange: 'bytes 90-99/100', length: 10 }, { start: 90, end: 200 }, 100],
])('wholeSize returns the size for %s', (_what, headers, range, size) => {
  expect(wholeSize(headers, range, 'It')).toBe(size);
});

it.each([
  ['the whole file instead of a part', { length: 100 }, { start: 10, end: 19 }],
  ['another part', { contentRange: 'bytes 0-99/100', length: 100 }, { start: 0, end: 0 }],
  ['no size', {}, undefined],
])('wholeSize refuses %s', (_what, headers, range) => {
  expect(() => wholeSize(headers, range, 'It')).toThrow('sends other bytes');
});

it.each([
  ['plain.png', 'attachment; filename="plain.png"'],
  ['a "b"\\%.png', `attachment; filename="a _b___.png"; filename*=UTF-8''a%20%22b%22%5C%25.png`],
  ['ü\r\nX: y', `attachment; filename="___X: y"; filename*=UTF-8''%C3%BC%0D%0AX%3A%20y`],
  ["it's (1)*\ud800", `attachment; filename="it's (1)*_"; filename*=UTF-8''it%27s%20%281%29%2A%EF%BF%BD`],
])('contentDisposition encodes the name %j completely and safely', (filename, header) => {
  expect(contentDisposition({ filename, inline: false })).toBe(header);
});

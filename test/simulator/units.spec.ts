import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { dumpJson, parseJson } from '../../src/simulator/python-json';
import {
  PythonError,
  pythonBool,
  pythonFloat,
  pythonInt,
  pythonRepr,
  pythonStr,
} from '../../src/simulator/python-values';
import { slowly } from '../../src/simulator/http/slow-stream';
import { PromptHeap } from '../../src/simulator/prompt-heap';
import { Prompt, QueueItem } from '../../src/simulator/wire';

describe('Python’s JSON', () => {
  it('has spaces, escapes non-ASCII characters, and keeps NaN and large integers', () => {
    const value = { a: [1, 2.5, null, true], é: '\u0000"\\図', n: [NaN, Infinity, -Infinity], big: 2n ** 64n - 1n };
    expect(dumpJson(value)).toBe(
      '{"a": [1, 2.5, null, true], "\\u00e9": "\\u0000\\"\\\\\\u56f3", "n": [NaN, Infinity, -Infinity], "big": 18446744073709551615}',
    );
  });

  it('is parsed without rounding integers, and with floats unchanged', () => {
    expect(parseJson('{"seed": 18446744073709551615, "small": 5, "float": 0.30000000000000004}')).toEqual({
      seed: 18446744073709551615n,
      small: 5,
      float: 0.30000000000000004,
    });
    expect(() => parseJson('{')).toThrow(SyntaxError);
    expect(() => parseJson('{"a": 12345678901234567890')).toThrow(SyntaxError);
  });
});

describe('Python’s conversions', () => {
  it.each([
    ['7', 7],
    [' -7_000 ', -7000],
    [7.9, 7],
    [-7.9, -7],
    [true, 1],
    ['18446744073709551615', 18446744073709551615n],
  ])('int(%p) is %p', (value, expected) => expect(pythonInt(value)).toBe(expected));

  it.each([
    ['1e3', 1000],
    ['.5', 0.5],
    [true, 1],
    ['-inf', -Infinity],
  ])('float(%p) is %p', (value, expected) => expect(pythonFloat(value)).toBe(expected));

  it.each(['', 'abc', '1.5', null, [], {}, NaN, Infinity])('int refuses %p', (value) => {
    expect(() => pythonInt(value)).toThrow(PythonError);
  });

  it.each(['', 'abc', null, [], {}])('float refuses %p', (value) => {
    expect(() => pythonFloat(value)).toThrow(PythonError);
  });

  it('bool and str equal Python’s', () => {
    expect(['false', '', 0, [], {}, [0], null].map(pythonBool)).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
    expect([null, true, 1.5, "it's", ['a', null]].map(pythonStr)).toEqual([
      'None',
      'True',
      '1.5',
      "it's",
      "['a', None]",
    ]);
    expect(pythonRepr("it's")).toBe('"it\'s"');
  });
});

describe('a slow response', () => {
  it('fails for a missing file only when it is read', async () => {
    const body = createReadStream(join(tmpdir(), 'a-file-that-is-not-there'));
    const response = slowly({ status: 200, body }, { kind: 'slow-view', ms: 50 }, new AbortController().signal);
    await expect(text(response.body as NodeJS.ReadableStream)).rejects.toThrow('ENOENT');
  });
});

describe('the heap', () => {
  const item = (number: number, id: string, prompt: Prompt = {}): QueueItem => [number, id, prompt, {}, []];

  it('returns the lowest number, then the lowest id', () => {
    const heap = new PromptHeap();
    for (const one of [item(3, 'a'), item(1, 'z'), item(1, 'b'), item(2, 'c')]) heap.push(one);
    expect(Array.from({ length: 5 }, () => heap.pop()?.[1])).toEqual(['b', 'z', 'c', 'a', undefined]);
  });

  it('removes the first item with an id, and stays ordered', () => {
    const heap = new PromptHeap();
    for (const number of [5, 3, 4, 1, 2]) heap.push(item(number, `id${number}`));
    expect([heap.remove('id3'), heap.remove('id9')]).toEqual([true, false]);
    expect(Array.from({ length: 4 }, () => heap.pop()?.[0])).toEqual([1, 2, 4, 5]);
  });

  it('throws if two graphs of equal number and id are compared, and keeps both', () => {
    const heap = new PromptHeap();
    const node = (class_type: string): Prompt => ({ '1': { class_type, inputs: {} } });
    heap.push(item(1, 'same', node('A')));
    expect(() => heap.push(item(1, 'same', node('B')))).toThrow("'<' not supported");
    expect(heap.size).toBe(2);
  });
});

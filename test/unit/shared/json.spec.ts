import { parseJson, parsePythonJson, stringifyJson } from '../../../src/shared/json';

describe('parseJson', () => {
  it('keeps integers above 2^53 exactly, up to the largest seed', () => {
    const text = '{"seed":18446744073709551615,"other":-9007199254740993,"small":42,"float":0.1234567890123456789}';
    expect(parseJson(text)).toEqual({
      seed: 18446744073709551615n,
      other: -9007199254740993n,
      small: 42,
      float: 0.12345678901234568,
    });
  });

  it('is inverted by stringifyJson, digit by digit', () => {
    const text = '{"seed":18446744073709551615,"list":[9007199254740993,1]}';
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  it('parses a safe integer of 16 digits as a number', () => {
    expect(parseJson('[9007199254740991]')).toEqual([9007199254740991]);
  });

  it('parses fractions of any number of digits as JSON.parse does', () => {
    const text = '[0.3333333333333333, "1234567890123456", 1.5e3]';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '12345678901234567890',
    '[1, -12345678901234567890]',
    '{"a":12345678901234567890}',
    '[1,12345678901234567890]',
  ])('finds the large integer in %s', (text) =>
    expect(
      JSON.stringify(parseJson(text), (_key, value: unknown) => (typeof value === 'bigint' ? 'large' : value)),
    ).toContain('large'),
  );

  it('keeps the last of two equal keys, as JSON.parse does', () => {
    expect(parseJson('{"a":1,"a":9007199254740993}')).toEqual({ a: 9007199254740993n });
  });

  it('throws a syntax error for text nested too deeply for the stack', () => {
    const deep = `[9007199254740993,${'['.repeat(100_000)}${']'.repeat(100_000)}]`;
    expect(() => parseJson(deep)).toThrow(SyntaxError);
  });

  it.each(['', '{', 'NaN', "{'a':1}", '[1,]'])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});

describe('parsePythonJson', () => {
  it('parses bare NaN and Infinity as null', () => {
    expect(parsePythonJson('{"a": NaN, "b": [Infinity, -Infinity, 1.5]}')).toEqual({ a: null, b: [null, null, 1.5] });
  });

  it('does not change the same words in strings', () => {
    const text = String.raw`{"NaN": "NaN and -Infinity", "quoted": "\"NaN\", \\", "real": NaN}`;
    expect(parsePythonJson(text)).toEqual({ NaN: 'NaN and -Infinity', quoted: '"NaN", \\', real: null });
  });

  it.each([
    ['plain', 'x'.repeat(20_000_000)],
    ['escaped', '\\n'.repeat(10_000_000)],
  ])('does not exhaust the stack on a string of megabytes: %s', (_what, text) => {
    expect(parsePythonJson(`{"a":"${text}","b":NaN}`)).toMatchObject({ b: null });
  });

  it('keeps large integers exactly', () => {
    expect(parsePythonJson('[NaN, 18446744073709551615]')).toEqual([null, 18446744073709551615n]);
  });
});

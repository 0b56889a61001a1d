import type { Simulator } from '../../src/simulator';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture } from '../support/workflows';

let comfyUI: Simulator;
let stack: Stack;

beforeAll(async () => {
  comfyUI = await startComfyUI();
  stack = await startStack({ baseUrl: comfyUI.url }, 'service');
});

afterAll(async () => {
  await stack.close();
  await comfyUI.close();
});

async function refusal(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { statusCode, code, message } = (await response.json()) as {
    statusCode: number;
    code: string;
    message: string;
  };
  expect(statusCode).toBe(response.status);
  return { status: response.status, code, message };
}

const deep = (depth: number, seed = '1') =>
  `{"prompt":{"1":{"class_type":"A","inputs":{"seed":${seed},"x":${'['.repeat(depth)}${']'.repeat(depth)}}}}}`;

describe('POST /generate refuses with a message', () => {
  it.each([
    ['malformed JSON', '{"prompt":', 'not valid JSON'],
    ['an empty body', '', 'must be a JSON object'],
    ['null', 'null', 'must be a JSON object'],
    ['an array', '[]', 'must be a JSON object'],
    ['no prompt', '{}', 'prompt is missing'],
    ['a bare workflow', JSON.stringify(flatPicture(1)), 'must be in a field'],
    ['a prompt that is a string', '{"prompt":"{}"}', 'send the JSON object itself'],
    ['a prompt that is null', '{"prompt":null}', 'null'],
    ['an empty prompt', '{"prompt":{}}', 'no nodes'],
    ['the UI format', '{"prompt":{"nodes":[],"links":[]}}', 'Export (API)'],
    ['the UI format, bare', '{"nodes":[],"links":[]}', 'must be in a field'],
    ['deep nesting', deep(50_000), 'nested too deeply'],
    ['deep nesting with a large seed', deep(50_000, '18446744073709551615'), 'nested too deeply'],
    ['NaN', '{"prompt":{"1":{"class_type":"A","inputs":{"x":NaN}}}}', 'not valid JSON'],
  ])('%s', async (_what, body, sentence) => {
    const { status, code, message } = await refusal(await postJson(`${stack.url}/generate`, body));
    expect({ status, code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(message).toContain(sentence);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data; boundary=x'])(
    'a body of type %s, which another origin could send without a preflight request',
    async (type) => {
      const response = await postJson(
        `${stack.url}/generate`,
        { prompt: flatPicture(2) },
        { headers: { 'Content-Type': type } },
      );
      const { status, message } = await refusal(response);
      expect(status).toBe(400);
      expect(message).toContain('application/json');
    },
  );

  it('a body over the limit', async () => {
    const body = JSON.stringify({
      prompt: { '1': { class_type: 'A', inputs: { text: 'x'.repeat(33 * 1024 * 1024) } } },
    });
    expect(await refusal(await postJson(`${stack.url}/generate`, body))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
  });
});

it('unknown paths and methods have the same error format', async () => {
  expect(await refusal(await fetch(`${stack.url}/nowhere`))).toMatchObject({ status: 404, code: 'not_found' });
  expect(await refusal(await fetch(`${stack.url}/generate`, { method: 'DELETE' }))).toMatchObject({
    status: 404,
    code: 'not_found',
  });
});

it.each([
  ['an address that does not decode', '/jobs/%ff'],
  ['an id of 200 characters', `/jobs/${'a'.repeat(200)}`],
])('%s has the same error format', async (_what, path) => {
  const { status, code } = await refusal(await fetch(`${stack.url}${path}`));
  expect({ status, code }).toEqual({ status: 400, code: 'invalid_request' });
});

it('unknown fields are ignored', async () => {
  const response = await postJson(`${stack.url}/generate`, {
    prompt: flatPicture(3),
    client_id: 'me',
    extra: { any: 1 },
  });
  expect(response.status).toBe(200);
});

it('prototype pollution has no effect', async () => {
  const body =
    '{"__proto__":{"polluted":1},"prompt":{"__proto__":{"class_type":"A","inputs":{}},"constructor":{"class_type":"B","inputs":{}}}}';
  const response = await postJson(`${stack.url}/generate`, body);
  expect([400, 422]).toContain(response.status);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

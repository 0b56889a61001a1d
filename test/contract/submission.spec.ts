import { randomUUID } from 'node:crypto';
import { normalise } from './support/normalise';
import { get, historyOf, historyWhenThere, post, RawClient } from './support/raw-client';
import { useServer } from './support/server';
import { flatPicture } from './support/workflows';

const server = useServer();

interface Refusal {
  error: { type: string; message: string; details: string; extra_info: object };
  node_errors: Record<string, { errors: { type: string; details: string; extra_info: object }[] }>;
}

const submit = (body: unknown) => post(server(), '/api/prompt', body);

const refusal = async (prompt: unknown): Promise<Refusal> => {
  const { status, body } = await submit({ prompt });
  expect(status).toBe(400);
  return body as Refusal;
};

const EMPTY = { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 1 } };
const save = (images: unknown) => ({ class_type: 'SaveImage', inputs: { images, filename_prefix: 'contract' } });

/** `type: details` of every error, by node id. */
const nodeErrors = async (prompt: unknown): Promise<Record<string, string[]>> => {
  const { node_errors: errors } = await refusal(prompt);
  const lines = Object.entries(errors).map(([id, node]) => [
    id,
    node.errors.map(({ type, details }) => `${type}: ${details}`).toSorted(),
  ]);
  return Object.fromEntries(lines) as Record<string, string[]>;
};

describe('a body that cannot be read is 500 in plain text', () => {
  it.each([
    '',
    '{',
    'null',
    '5',
    '["prompt"]',
    '{"prompt": null}',
    '{"prompt": "abc"}',
    '{"prompt": {"1": null}}',
    '{"prompt": {"1": {"class_type": ["a"]}}}',
    JSON.stringify({ prompt: flatPicture(), number: 'abc' }),
    JSON.stringify({ prompt: flatPicture(), client_id: 'x', extra_data: null }),
  ])('%s', async (body) => {
    expect(await submit(body)).toEqual({
      status: 500,
      body: '500 Internal Server Error\n\nServer got itself in trouble',
    });
  });
});

describe('a prompt as a whole is refused', () => {
  it.each([
    ['without a prompt', {}, 'no_prompt', 'No prompt provided'],
    ['as a list', [], 'no_prompt', 'No prompt provided'],
    ['if it is empty', { prompt: {} }, 'prompt_no_outputs', ''],
    ['without an output node', { prompt: { '1': EMPTY } }, 'prompt_no_outputs', ''],
    ['if no output is requested', { prompt: flatPicture(), partial_execution_targets: [] }, 'prompt_no_outputs', ''],
    [
      'if the requested output does not exist',
      { prompt: flatPicture(), partial_execution_targets: ['9'] },
      'prompt_no_outputs',
      '',
    ],
    ['for a node without a class', { prompt: { '1': { inputs: {} } } }, 'invalid_prompt', "Node ID '#1'"],
    ['for an unknown class', { prompt: { '1': { class_type: 'Nope' } } }, 'invalid_prompt', "Node ID '#1'"],
  ])('%s', async (_, body, type, details) => {
    const response = await submit(body);
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ error: { type, details, extra_info: {} }, node_errors: {} });
  });
});

describe('errors are listed under their node', () => {
  it('a missing input is named, and the output repeats it in its details', async () => {
    const { error, node_errors: errors } = await refusal({ '1': EMPTY, '2': { class_type: 'SaveImage', inputs: {} } });
    expect(error.details.split('\n').toSorted()).toEqual([
      'Required input is missing: filename_prefix',
      'Required input is missing: images',
    ]);
    expect(errors['2']).toMatchObject({ dependent_outputs: ['2'], class_type: 'SaveImage' });
  });

  it('an error upstream leaves the details empty', async () => {
    const { error } = await refusal({ '1': { class_type: 'EmptyImage', inputs: {} }, '2': save(['1', 0]) });
    expect(error).toMatchObject({ type: 'prompt_outputs_failed_validation', details: '' });
  });

  it('values are converted as in Python, then compared with the limits', async () => {
    const inputs = { width: -5.5, height: '99999', batch_size: 'abc', color: null };
    expect(await nodeErrors({ '1': { class_type: 'EmptyImage', inputs }, '2': save(['1', 0]) })).toEqual({
      '1': [
        "invalid_input_type: batch_size, abc, invalid literal for int() with base 10: 'abc'",
        "invalid_input_type: color, None, int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
        'value_bigger_than_max: height',
        'value_smaller_than_min: width',
      ],
    });
  });

  it.each([
    ['a link of the wrong length', ['1', 0, 0], 'bad_linked_input: images'],
    ['a link to a missing node', ['9', 0], "exception_during_validation: '9'"],
    ['a link by number', [1, 0], 'exception_during_validation: 1'],
    ['a link to a missing slot', ['1', 5], 'exception_during_validation: tuple index out of range'],
    ['a link to another type', ['3', 0], 'return_type_mismatch: images, received_type(INT) mismatch input_type(IMAGE)'],
  ])('%s', async (_, link, expected) => {
    const size = { class_type: 'GetImageSize', inputs: { image: ['1', 0] } };
    expect(await nodeErrors({ '1': EMPTY, '2': save(link), '3': size })).toEqual({ '2': [expected] });
  });

  it('an invalid upstream link is listed under its node, with the names of the node below', async () => {
    const { node_errors: errors } = await refusal({
      '2': save(['3', 0]),
      '3': { class_type: 'ImageInvert', inputs: { image: ['9', 0] } },
    });
    expect(errors['3']?.errors[0]).toMatchObject({
      type: 'exception_during_inner_validation',
      details: "'9'",
      extra_info: { input_name: 'images', exception_type: 'KeyError', linked_node: ['3', 0] },
    });
  });

  it('a cycle is refused without an error', async () => {
    const { error, node_errors: errors } = await refusal({
      '2': save(['3', 0]),
      '3': { class_type: 'ImageInvert', inputs: { image: ['3', 0] } },
    });
    expect({ details: error.details, errors }).toEqual({ details: '', errors: {} });
  });

  it('a missing image is refused by the node itself', async () => {
    const load = { class_type: 'LoadImage', inputs: { image: 'no such picture.png' } };
    expect(await nodeErrors({ '1': load, '2': save(['1', 0]) })).toEqual({
      '1': ['custom_validation_failed: image - Invalid image file: no such picture.png'],
    });
  });
});

describe('an accepted prompt', () => {
  it('runs its valid outputs, and names the invalid ones', async () => {
    const client = await RawClient.connect(server());
    const { response, promptId } = await client.run({
      prompt: { ...flatPicture(), '3': save(['9', 0]), '4': save(['1', 7]) },
    });
    expect(response.status).toBe(200);
    expect(Object.keys((response.body as Refusal).node_errors).toSorted()).toEqual(['3', '4']);
    const history = await historyWhenThere(server(), promptId);
    expect(Object.keys(history['outputs'] as object)).toEqual(['2']);
    await client.close();
  });

  it('runs only the requested outputs', async () => {
    const client = await RawClient.connect(server());
    const prompt = { ...flatPicture({ prefix: 'contract-unwanted' }), '3': save(['1', 0]) };
    const { promptId } = await client.run({ prompt, partial_execution_targets: ['3'] });
    const history = await historyWhenThere(server(), promptId);
    expect(Object.keys(history['outputs'] as object)).toEqual(['3']);
    await client.close();
  });

  it('keeps the converted values, extra data without keys, and the requested number', async () => {
    const client = await RawClient.connect(server());
    const inputs = { width: '16', height: 8.9, batch_size: true, color: { __value__: '7' } };
    const { response, promptId } = await client.run({
      prompt: { '1': { class_type: 'EmptyImage', inputs }, '2': save(['1', 0]) },
      number: '7.5',
      extra_data: { extra_pnginfo: { workflow: { id: 'w' } }, api_key_comfy_org: 'secret', mine: [1] },
    });
    expect((response.body as { number: number }).number).toBe(7.5);
    const [, , prompt, extraData] = (await historyWhenThere(server(), promptId))['prompt'] as [
      number,
      string,
      object,
      object,
    ];
    expect(prompt).toMatchObject({ '1': { inputs: { width: 16, height: 8, batch_size: 1, color: 7 } } });
    expect(extraData).toEqual({
      extra_pnginfo: { workflow: { id: 'w' } },
      mine: [1],
      client_id: client.id,
    });
    await client.close();
  });

  it('keeps a seed above 2^53 exactly', async () => {
    const client = await RawClient.connect(server());
    const promptId = randomUUID();
    const text = JSON.stringify({ prompt: flatPicture(), prompt_id: promptId, client_id: client.id });
    await submit(text.replace('"filename_prefix"', '"note": 18446744073709551615, "filename_prefix"'));
    await historyWhenThere(server(), promptId);
    const raw = await fetch(`${server().url}/history/${promptId}`, { headers: server().headers });
    expect(await raw.text()).toContain('"note": 18446744073709551615');
    await client.close();
  });

  it('gets an id from the server if the request has none', async () => {
    const { body } = await submit({ prompt: flatPicture() });
    const { prompt_id: promptId } = body as { prompt_id: string };
    expect(normalise(promptId)).toBe('<id>');
    expect(await historyWhenThere(server(), promptId)).toBeDefined();
  });
});

it('an unknown prompt has an empty history', async () => {
  expect(await get(server(), `/history/${randomUUID()}`)).toEqual({ status: 200, body: {} });
  expect(await historyOf(server(), 'nonsense')).toBeUndefined();
});

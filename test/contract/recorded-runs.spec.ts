import { randomInt } from 'node:crypto';
import { normalise, previewMetadata } from './support/normalise';
import { HttpResponse, get, isBinary, PromptBody, RawClient } from './support/raw-client';
import { comparable, clearCache, replay } from './support/replay';
import { checkpoint, describeWithModel, useServer } from './support/server';
import { readTrace } from './support/traces';
import { flatPicture } from './support/workflows';

const server = useServer();

const FLAGS = { supports_preview_metadata: true };

/** A unique seed, so that nothing is cached from a previous run, and an available checkpoint. */
const withModel =
  (seed: number) =>
  (body: PromptBody): PromptBody => {
    const { '3': sampler, '4': loader } = body.prompt;
    if (sampler === undefined || loader === undefined) throw new Error('the recording has no sampler');
    sampler.inputs['seed'] = seed;
    loader.inputs['ckpt_name'] = checkpoint;
    return body;
  };

const withColor =
  (color: number) =>
  (body: PromptBody): PromptBody => {
    const empty = body.prompt['1'];
    if (empty !== undefined) empty.inputs['color'] = color;
    return body;
  };

let client: RawClient;

/** Runs a recorded prompt, `adapt`ed to the server and its cache. */
async function replayRecorded(name: string, adapt: (body: PromptBody) => PromptBody = (body) => body) {
  const recorded = readTrace(name);
  return { recorded, replayed: await replay(client, adapt(structuredClone(recorded.submitted))) };
}

const connect = async (flags?: object): Promise<void> => {
  client = await RawClient.connect(server(), flags && { flags });
  await clearCache(client);
};

afterEach(() => client.close());

describeWithModel('a recorded text-to-image run is reproduced, message by message', () => {
  it('with legacy previews', async () => {
    await connect();
    const { replayed, recorded } = await replayRecorded('txt2img-first-run', withModel(randomInt(2 ** 40)));
    expect(comparable(replayed)).toEqual(comparable(recorded));
  });

  it('with a new seed: only the changed part runs, and previews contain ids', async () => {
    await connect(FLAGS);
    await replayRecorded('txt2img-first-run', withModel(randomInt(2 ** 40)));
    const { replayed, recorded } = await replayRecorded('txt2img-preview-metadata-run', withModel(randomInt(2 ** 40)));
    expect(comparable(replayed)).toEqual(comparable(recorded));
    const preview = replayed.messages.find(isBinary);
    expect(preview && previewMetadata(preview)).toEqual({
      node_id: '3',
      prompt_id: replayed.promptId,
      display_node_id: '3',
      parent_node_id: null,
      real_node_id: '3',
      image_type: 'image/jpeg',
    });
  });

  it('repeated: nothing runs, and the output is the previous file', async () => {
    await connect();
    const adapt = withModel(randomInt(2 ** 40));
    const { replayed: first } = await replayRecorded('txt2img-cached-run', adapt);
    const { replayed, recorded } = await replayRecorded('txt2img-cached-run', adapt);
    expect(comparable(replayed)).toEqual(comparable(recorded));
    expect(replayed.history?.['outputs']).toEqual(first.history?.['outputs']);
  });

  it('values out of range and out of list are refused, node by node', async () => {
    await connect();
    const { replayed, recorded } = await replayRecorded('txt2img-validation-failure');
    const errors = ({ body }: HttpResponse): object => (body as { node_errors: object }).node_errors;
    expect(replayed.response.status).toBe(recorded.response.status);
    expect(Object.keys(errors(replayed.response))).toEqual(Object.keys(errors(recorded.response)));
    // The other node's error contains the available checkpoints.
    const sampler = ({ response }: { response: HttpResponse }): unknown =>
      normalise((errors(response) as Record<string, unknown>)['3']);
    expect(sampler(replayed)).toEqual(sampler(recorded));
  });
});

describe('a recorded run is reproduced, message by message', () => {
  it('nodes without a model: a batch, a subfolder, a preview in temp', async () => {
    await connect();
    const { replayed, recorded } = await replayRecorded('model-free-run', withColor(randomInt(2 ** 24)));
    expect(comparable(replayed)).toEqual(comparable(recorded));
    const outputs = replayed.history?.['outputs'] as Record<string, { images: Record<string, string>[] }>;
    for (const image of Object.values(outputs).flatMap(({ images }) => images)) {
      expect((await get(server(), `/view?${new URLSearchParams(image).toString()}`)).status).toBe(200);
    }
  });

  it('an uploaded image is loaded and inverted', async () => {
    await connect();
    const form = new FormData();
    form.set('image', new Blob([await flatPng()]), 'contract-in.png');
    form.set('overwrite', 'true');
    await fetch(`${server().url}/upload/image`, { method: 'POST', body: form, headers: server().headers });
    const { replayed, recorded } = await replayRecorded('load-image-run', (body) => {
      const load = body.prompt['1'];
      if (load !== undefined) load.inputs['image'] = 'contract-in.png';
      return body;
    });
    expect(comparable(replayed)).toEqual(comparable(recorded));
  });

  it('a node class that does not exist is refused', async () => {
    await connect();
    const { replayed, recorded } = await replayRecorded('unknown-node');
    expect(comparable(replayed)).toEqual(comparable(recorded));
  });
});

/** A PNG generated by the server, with a unique colour. */
async function flatPng(): Promise<ArrayBuffer> {
  const { history } = await replay(client, { prompt: flatPicture() });
  const outputs = history?.['outputs'] as Record<string, { images: Record<string, string>[] }>;
  const query = new URLSearchParams(outputs['2']?.images[0]);
  return (await fetch(`${server().url}/view?${query.toString()}`, { headers: server().headers })).arrayBuffer();
}

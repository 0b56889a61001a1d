import { randomInt } from 'node:crypto';
import { normalise, previewMetadata } from './support/normalise';
import { Answer, get, isBinary, PromptBody, RawClient } from './support/raw-client';
import { comparable, forget, replay } from './support/replay';
import { checkpoint, describeWithModel, useServer } from './support/server';
import { readTrace } from './support/traces';
import { flatPicture } from './support/workflows';

const server = useServer();

const FLAGS = { supports_preview_metadata: true };

/** A seed of its own, so that nothing is cached of a run before; and the checkpoint that is there. */
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

/** Runs what was recorded, `adapt`ed to the server and to what it may have cached. */
async function again(name: string, adapt: (body: PromptBody) => PromptBody = (body) => body) {
  const recorded = readTrace(name);
  return { recorded, replayed: await replay(client, adapt(structuredClone(recorded.submitted))) };
}

const connect = async (flags?: object): Promise<void> => {
  client = await RawClient.connect(server(), flags && { flags });
  await forget(client);
};

afterEach(() => client.close());

describeWithModel('a recorded text to image happens again, message by message', () => {
  it('with legacy previews', async () => {
    await connect();
    const { replayed, recorded } = await again('txt2img-first-run', withModel(randomInt(2 ** 40)));
    expect(comparable(replayed)).toEqual(comparable(recorded));
  });

  it('with a new seed: only the changed part runs, and previews carry their ids', async () => {
    await connect(FLAGS);
    await again('txt2img-first-run', withModel(randomInt(2 ** 40)));
    const { replayed, recorded } = await again('txt2img-preview-metadata-run', withModel(randomInt(2 ** 40)));
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

  it('the same again: nothing runs, and the old file is named', async () => {
    await connect();
    const adapt = withModel(randomInt(2 ** 40));
    const { replayed: first } = await again('txt2img-cached-run', adapt);
    const { replayed, recorded } = await again('txt2img-cached-run', adapt);
    expect(comparable(replayed)).toEqual(comparable(recorded));
    expect(replayed.history?.['outputs']).toEqual(first.history?.['outputs']);
  });

  it('values out of range and out of list are refused, node by node', async () => {
    await connect();
    const { replayed, recorded } = await again('txt2img-validation-failure');
    const errors = ({ body }: Answer): object => (body as { node_errors: object }).node_errors;
    expect(replayed.answer.status).toBe(recorded.answer.status);
    expect(Object.keys(errors(replayed.answer))).toEqual(Object.keys(errors(recorded.answer)));
    // The checkpoints that are there are named in the other node's error.
    const sampler = ({ answer }: { answer: Answer }): unknown =>
      normalise((errors(answer) as Record<string, unknown>)['3']);
    expect(sampler(replayed)).toEqual(sampler(recorded));
  });
});

describe('a recorded run happens again, message by message', () => {
  it('nodes without a model: a batch, a subfolder, a preview in temp', async () => {
    await connect();
    const { replayed, recorded } = await again('model-free-run', withColor(randomInt(2 ** 24)));
    expect(comparable(replayed)).toEqual(comparable(recorded));
    const outputs = replayed.history?.['outputs'] as Record<string, { images: Record<string, string>[] }>;
    for (const image of Object.values(outputs).flatMap(({ images }) => images)) {
      expect((await get(server(), `/view?${new URLSearchParams(image).toString()}`)).status).toBe(200);
    }
  });

  it('an uploaded picture is loaded and inverted', async () => {
    await connect();
    const form = new FormData();
    form.set('image', new Blob([await flatPng()]), 'contract-in.png');
    form.set('overwrite', 'true');
    await fetch(`${server().url}/upload/image`, { method: 'POST', body: form, headers: server().headers });
    const { replayed, recorded } = await again('load-image-run', (body) => {
      const load = body.prompt['1'];
      if (load !== undefined) load.inputs['image'] = 'contract-in.png';
      return body;
    });
    expect(comparable(replayed)).toEqual(comparable(recorded));
  });

  it('a node class that does not exist is refused', async () => {
    await connect();
    const { replayed, recorded } = await again('unknown-node');
    expect(comparable(replayed)).toEqual(comparable(recorded));
  });
});

/** A PNG that the server itself made, of a colour that nobody had before. */
async function flatPng(): Promise<ArrayBuffer> {
  const { history } = await replay(client, { prompt: flatPicture() });
  const outputs = history?.['outputs'] as Record<string, { images: Record<string, string>[] }>;
  const query = new URLSearchParams(outputs['2']?.images[0]);
  return (await fetch(`${server().url}/view?${query.toString()}`, { headers: server().headers })).arrayBuffer();
}

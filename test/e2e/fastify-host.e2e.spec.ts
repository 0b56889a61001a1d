import { postJson, startComfyUI, startStack } from '../support/stack';
import { flatPicture } from '../support/workflows';

it('a host application on Fastify serves a generation and its file under its own prefix', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url }, 'fastify');
  const response = await postJson(`${stack.url}/generate`, { prompt: flatPicture(0x2468ac) });
  const { image, images } = (await response.json()) as { image: string; images: { url: string }[] };
  expect(images).toMatchObject([{ url: expect.stringMatching(/^\/host\/assets\//) }]);
  const file = await fetch(new URL(images[0]!.url, stack.url));
  expect(Buffer.from(await file.arrayBuffer()).equals(Buffer.from(image, 'base64'))).toBe(true);
  await stack.close();
  await comfyUI.close();
});

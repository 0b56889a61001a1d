import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSimulator, type Simulator } from '../../src/simulator';
import type { FreshApplication } from './fresh-application';
import { REPOSITORY } from './packed';
import { firstLine, start, stop } from './processes';

/** What `apps/host.ts` answers on each platform, in an application that `install` makes. */
export function describeHost(title: string, install: () => Promise<FreshApplication>): void {
  describe(title, () => {
    let app: FreshApplication;
    let simulator: Simulator;

    beforeAll(async () => {
      app = await install();
      await app.compile('test/package/apps/host.ts');
      simulator = await startSimulator({ speed: 'instant' });
    });

    afterAll(async () => {
      await simulator?.close();
      await app?.remove();
    });

    describe.each(['express', 'fastify'])('on %s', (platform) => {
      let host: ChildProcess;
      let url: string;

      beforeAll(async () => {
        const env = { COMFYUI_BASE_URL: simulator.url };
        host = start('node', ['dist/host.js', platform], { cwd: app.folder, env });
        url = `${await firstLine(host)}/api/v1`;
      });

      afterAll(() => stop(host));

      it('answers POST /generate under the prefix with the picture', async () => {
        const answer = await post(`${url}/generate`, await readFile(join(REPOSITORY, 'examples/txt2img.json'), 'utf8'));
        const { image, images } = (await answer.json()) as { image: string; images: { width: number }[] };
        expect(answer.status).toBe(200);
        expect(Buffer.from(image, 'base64').subarray(1, 4).toString()).toBe('PNG');
        expect(images).toEqual([expect.objectContaining({ mediaType: 'image/png', width: 512, height: 512 })]);
      });

      it('answers a bad workflow itself', async () => {
        const body = JSON.stringify({ prompt: { '1': { class_type: 'Nope', inputs: {} } } });
        const answer = await post(`${url}/generate`, body);
        expect(answer.status).toBe(422);
        expect(await answer.json()).toMatchObject({ code: 'invalid_workflow' });
      });

      it("leaves the host's routes to the host's pipe and filter", async () => {
        const orders = [await post(`${url}/orders`, '{"count":1}'), await post(`${url}/orders`, '{"count":"many"}')];
        expect(orders.map(({ status }) => status)).toEqual([201, 400]);
        expect(await orders[1]!.json()).toEqual({ answeredBy: 'host' });
        const lost = await fetch(`${url}/orders/lost`);
        expect([lost.status, await lost.json()]).toEqual([404, { answeredBy: 'host' }]);
      });
    });
  });
}

function post(url: string, body: string): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
}

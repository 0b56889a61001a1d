import { JobService } from '../../src/application/jobs/job.service';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { startComfyUI } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';
import type { TestedTransport } from './tested-transport';
import { type Caller, type RunningService, startCaller, startHybrid } from './service';

/** Services behind one broker, each with a database of its own, which shows the jobs of each replica. */
export function describeReplicas(transport: TestedTransport, { broadcasts }: { readonly broadcasts: boolean }): void {
  describe('replicas', () => {
    let comfyUI: Simulator;
    let services: RunningService[];
    let caller: Caller;

    beforeEach(async () => {
      comfyUI = await startComfyUI({ speed: 1 });
      const address = transport.address();
      const variables = { COMFYUI_BASE_URL: comfyUI.url };
      services = [await startHybrid(address, variables), await startHybrid(address, variables)];
      caller = await startCaller(address);
    });

    afterEach(async () => {
      await caller.close();
      for (const service of services) await service.close();
      await comfyUI.close();
    });

    const jobs = () =>
      Promise.all(services.map(async ({ app }) => (await app.get(JobService).list({ statuses: [], limit: 200 })).jobs));

    it('share the work: each call is executed once', async () => {
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, index) => caller.remote.result({ prompt: flatPicture(30_000 + index) })),
      );
      const done = (await jobs()).map((each) => each.map(({ job }) => job.id));
      expect(done.flat().toSorted()).toEqual(made.map(({ id }) => id).toSorted());
    });

    it('the other one continues when one closes', async () => {
      const [first, second] = services as [RunningService, RunningService];
      await first.close();
      services = [second];
      const { id } = await caller.remote.result({ prompt: flatPicture(31_000) });
      expect(await caller.remote.job(id)).toMatchObject({ status: 'succeeded' });
    });

    if (broadcasts)
      it('the replica of a stream receives its unsubscription', async () => {
        const started = [1, 2, 3, 4].map((index) => {
          const prompt = slowPicture(32_000 + index, { seconds: 20, steps: 200 });
          const stream = caller.remote.generate({ prompt, cancelOnDisconnect: true });
          return new Promise<() => void>((resolve) => {
            const subscription = stream.subscribe({
              next: () => resolve(() => subscription.unsubscribe()),
              error: () => undefined,
            });
          });
        });
        for (const leave of await Promise.all(started)) leave();
        await eventually(async () => {
          const ends = (await jobs()).flat().map(({ job }) => job.status);
          expect(ends).toEqual(['canceled', 'canceled', 'canceled', 'canceled']);
        });
      });
  });
}

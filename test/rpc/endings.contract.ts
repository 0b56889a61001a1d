import { lastValueFrom } from 'rxjs';
import type { GenerationEvent, JobStreamMessage } from '../../src/client';
import { ShutdownState } from '../../src/application/maintenance/shutdown-state';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { FaultProxy, stopHttp } from '../support/fault-proxy';
import { postJson, startComfyUI } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';
import { failure } from './calls.contract';
import { HybridProcess } from './hybrid-process';
import type { TestedTransport } from './tested-transport';
import { type Caller, type RunningService, startCaller, startHybrid } from './service';

export function describeEndings(transport: TestedTransport): void {
  describe('ends', () => {
    let comfyUI: Simulator;
    let subscriptions: Caller[] = [];
    let color = 20_000;

    beforeEach(async () => {
      comfyUI = await startComfyUI({ speed: 1 });
    });

    afterEach(async () => {
      await Promise.all(subscriptions.map((caller) => caller.close()));
      subscriptions = [];
      await comfyUI.close();
    });

    const call = async (address: Parameters<typeof startCaller>[0]) => {
      const caller = await startCaller(address);
      subscriptions.push(caller);
      return caller.remote;
    };
    const slow = (seconds: number) => slowPicture(++color, { seconds, steps: seconds * 10 });
    const environment = (more: Readonly<Record<string, string>> = {}) => ({ COMFYUI_BASE_URL: comfyUI.url, ...more });
    const begun = ({ app }: RunningService) => eventually(() => expect(app.get(ShutdownState).hasBegun).toBe(true));

    it('without a service, a call fails with a sentence and in time', async () => {
      const remote = await call({ ...transport.unusedAddress(), silence: 1.5 });
      const before = Date.now();
      const calls = [remote.status(), remote.result({ prompt: flatPicture(1) }), remote.cancel('x')];
      for (const each of await Promise.all(calls.map(failure)))
        expect(each).toEqual({
          code: 'service_unreachable',
          message: expect.stringMatching(/^The ComfyUI service .+\.?$/),
        });
      expect(Date.now() - before).toBeLessThan(transport.reportsAbsence ? 1_000 : 3_000);
    });

    it('without ComfyUI, a waiting call fails as over HTTP, and no job is left behind', async () => {
      await comfyUI.close();
      const service = await startHybrid(transport.address(), environment());
      try {
        const remote = await call(service.address);
        const response = await postJson(`${service.url}/generate`, { prompt: flatPicture(++color) });
        const { code, message } = (await response.json()) as Record<string, unknown>;
        expect(code).toBe('backend_unreachable');
        const prompt = flatPicture(++color);
        const calls = [remote.result({ prompt }), lastValueFrom(remote.generate({ prompt })), remote.workflow(prompt)];
        for (const each of await Promise.all(calls.map(failure))) expect(each).toMatchObject({ code, message });
        expect((await remote.jobs()).jobs.filter(({ status }) => status === 'queued')).toEqual([]);
        expect(await remote.status()).toMatchObject({ reachable: false });
      } finally {
        await service.close();
      }
    });

    it('when ComfyUI has just become unreachable, a waiting call fails, and the job waits for it', async () => {
      const proxy = await FaultProxy.to(comfyUI.url);
      const service = await startHybrid(transport.address(), environment({ COMFYUI_BASE_URL: proxy.url }));
      try {
        const remote = await call(service.address);
        await remote.result({ prompt: flatPicture(++color) });
        stopHttp(proxy);
        const { code, message, jobId } = await failure(
          lastValueFrom(remote.generate({ prompt: flatPicture(++color) })),
        );
        expect({ code, message }).toEqual({
          code: 'backend_unreachable',
          message: expect.stringMatching(/can ?not be reached: .*ECONNREFUSED.*waits for it/),
        });
        expect((await remote.job(String(jobId))).status).toBe('queued');
      } finally {
        await service.close();
        await proxy.close();
      }
    });

    it('a call reaches a service that started after a failed call, and the failed call is not executed late', async () => {
      const address = transport.unusedAddress();
      if (address.transport === 'tcp') return;
      const remote = await call({ ...address, silence: 1 });
      expect(await failure(remote.workflow(flatPicture(++color)))).toMatchObject({ code: 'service_unreachable' });
      const service = await startHybrid(address, environment());
      try {
        expect(await remote.status()).toMatchObject({ reachable: true });
        expect((await remote.jobs()).jobs).toEqual([]);
      } finally {
        await service.close();
      }
    });

    it('a service that shuts down refuses new calls, and waiting calls get their results', async () => {
      const service = await startHybrid(transport.address(), environment({ SHUTDOWN_GRACE: '10' }));
      const remote = await call(service.address);
      const waiting = remote.result({ prompt: slow(1.5) });
      waiting.catch(() => undefined);
      await eventually(async () => expect((await remote.jobs({ status: 'running' })).jobs).toHaveLength(1));
      const [job] = (await remote.jobs()).jobs;
      const closed = service.close();
      await begun(service);
      const calls = [
        remote.status(),
        remote.jobs(),
        remote.job(job!.id),
        remote.cancel(job!.id),
        remote.result({ prompt: slow(1) }),
      ];
      for (const each of await Promise.all([...calls, remote.workflow(slow(1))].map(failure)))
        expect(each).toMatchObject({ code: 'shutting_down' });
      expect((await waiting).id).toBe(job!.id);
      await closed;
    });

    it('after the grace period the remaining calls fail, and viewers at once', async () => {
      const service = await startHybrid(transport.address(), environment({ SHUTDOWN_GRACE: '0.7' }));
      const remote = await call(service.address);
      const waiting = failure(remote.result({ prompt: slow(20) }));
      await eventually(async () => expect((await remote.jobs({ status: 'running' })).jobs).toHaveLength(1));
      const { id } = (await remote.jobs()).jobs[0]!;
      const watching = new Promise<unknown>((resolve) => remote.events(id).subscribe({ error: resolve }));
      await new Promise((resolve) => setTimeout(resolve, 200));
      await service.close();
      for (const each of [await watching, await waiting])
        expect(each).toMatchObject({ code: 'shutting_down', jobId: id, message: expect.stringContaining('goes on') });
    });

    it('as a process it exits with code 0 on SIGTERM', async () => {
      const service = await HybridProcess.start(transport.address(), environment({ SHUTDOWN_GRACE: '0.2' }));
      try {
        const remote = await call(service.address);
        const waiting = failure(remote.result({ prompt: slow(20) }));
        await eventually(async () => expect((await remote.jobs({ status: 'running' })).jobs).toHaveLength(1));
        service.kill('SIGTERM');
        expect(await waiting).toMatchObject({ code: 'shutting_down' });
        expect(await service.exit).toEqual([0, null]);
      } finally {
        await service.remove();
      }
    });

    it('when it is killed, waiting calls fail with the id of the job', async () => {
      const service = await HybridProcess.start(transport.address(), environment());
      try {
        const remote = await call({ ...service.address, silence: 2 });
        const events: (GenerationEvent | JobStreamMessage)[] = [];
        const ended = new Promise<unknown>((resolve) =>
          remote.generate({ prompt: slow(20) }).subscribe({ next: (event) => events.push(event), error: resolve }),
        );
        await eventually(() => expect(events.map(({ kind }) => kind)).toContain('progress'));
        const before = Date.now();
        service.kill('SIGKILL');
        const [first] = events;
        const jobId = first?.kind === 'job' ? first.job.id : '';
        expect(await ended).toMatchObject({ code: 'service_unreachable', jobId });
        expect(Date.now() - before).toBeLessThan(transport.reportsCrash ? 1_000 : 3_500);
      } finally {
        await service.remove();
      }
    });
  });
}

import type { GenerationEvent } from '../../src/client';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { describeWithServer, onRedis, RedisServer } from '../support/redis-server';
import { startComfyUI } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';
import { failure } from './calls.contract';
import { HybridProcess } from './hybrid-process';
import { type Caller, startCaller } from './service';

describeWithServer('over Redis', () => {
  let redis: RedisServer;
  let comfyUI: Simulator;
  let service: HybridProcess;
  let caller: Caller;

  beforeEach(async () => {
    redis = await RedisServer.start();
    comfyUI = await startComfyUI({ speed: 1 });
  });

  afterEach(async () => {
    await caller?.close();
    await service.remove();
    await comfyUI.close();
    await redis.remove();
  });

  const start = async (url: string) => {
    service = await HybridProcess.start({ transport: 'redis', url }, { COMFYUI_BASE_URL: comfyUI.url });
  };

  it('after a crash of Redis the connection is restored, and the stream goes on', async () => {
    await start(redis.url);
    caller = await startCaller({ transport: 'redis', url: redis.url, silence: 8 });
    const { remote } = caller;
    const events: GenerationEvent[] = [];
    const whole = new Promise<void>((resolve, reject) =>
      remote
        .generate({ prompt: slowPicture(1, { seconds: 12, steps: 40 }) })
        .subscribe({ next: (event) => events.push(event), error: reject, complete: resolve }),
    );
    await eventually(() => expect(events.map(({ kind }) => kind)).toContain('progress'));
    const other = await startCaller({ transport: 'redis', url: redis.url });
    await other.remote.status();
    await redis.kill();
    expect(await failure(remote.status())).toMatchObject({ code: 'service_unreachable' });
    const before = Date.now();
    await other.close();
    expect(Date.now() - before).toBeLessThan(3_000);
    await redis.run();
    await whole;
    expect(events.at(-1)?.kind).toBe('result');
    expect((await remote.result({ prompt: flatPicture(2) })).images).toHaveLength(1);
  });

  it('no line of the log has a password, right or wrong', async () => {
    await onRedis(redis.url, (client) => client.config('SET', 'requirepass', 'right-secret'));
    const { host } = new URL(redis.url);
    await start(`redis://:right-secret@${host}`);
    caller = await startCaller({ transport: 'redis', url: `redis://:right-secret@${host}/0` });
    expect(await caller.remote.status()).toMatchObject({ reachable: true });
    expect(service.lines.join('\n')).toContain(`Taking messages on redis://${host}`);
    expect(service.lines.join('\n')).not.toContain('right-secret');
    await service.remove();
    await start(`redis://:wrong-secret@${host}`);
    expect(await service.exit).toEqual([1, null]);
    expect(service.lines.join('\n')).toMatch(/does not start: .*(WRONGPASS|NOAUTH)/);
    expect(service.lines.join('\n')).not.toContain('wrong-secret');
  });
});

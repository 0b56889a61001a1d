import { Retention } from '../../src/application/maintenance/retention';
import { STORING_MS } from '../../src/application/assets/asset-repository';
import { FileRig } from '../support/file-rig';
import { postJson } from '../support/stack';
import { anything, flatPicture } from '../support/workflows';

let rig: FileRig;
let color = 77_000;

beforeEach(async () => {
  rig = await FileRig.start();
});

afterEach(() => rig.close());

describe('files without a job', () => {
  const clear = (at: number) => rig.stack.app.get(Retention).clear(at);

  it('are removed when the last job that produced them is deleted, and not before', async () => {
    const same = [{ key: 'a', filename: 'a.txt', content: 'the same' }];
    const jobs = [await rig.run(anything(same, 1)), await rig.run(anything(same, 2))];
    expect(await rig.stored()).toHaveLength(1);
    await rig.jobs.remove(jobs[0]!.id);
    await clear(Date.now() + STORING_MS + 1_000);
    expect(String(await rig.bytesOf((await rig.collected(jobs[1]!.id))[0]!))).toBe('the same');
    await rig.jobs.remove(jobs[1]!.id);
    await clear(Date.now());
    expect(await rig.stored()).toHaveLength(1);
    await clear(Date.now() + STORING_MS + 1_000);
    expect(await rig.stored()).toEqual([]);
    const again = await rig.run(anything(same, 3));
    expect(String(await rig.bytesOf((await rig.collected(again.id))[0]!))).toBe('the same');
  });

  it('are removed with their jobs after the retention time; running jobs stay', async () => {
    await rig.restart({ retentionDays: 2 });
    const day = 24 * 60 * 60 * 1000;
    const old = await rig.run(flatPicture(++color));
    const hold = rig.comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const going = await rig.jobs.start(flatPicture(++color));
    await rig.jobs.running(going);
    await clear(Date.now() + 2 * day - 60_000);
    expect((await rig.jobs.job(old.id)).status).toBe('succeeded');
    await clear(Date.now() + 2 * day + 60_000);
    expect((await rig.jobs.list()).jobs.map(({ id }) => id)).toEqual([going]);
    expect(await rig.stored()).toEqual([]);
    hold.clear();
    expect((await rig.jobs.ended(going)).status).toBe('succeeded');
  });

  it('are kept forever by default', async () => {
    const { id } = await rig.run(flatPicture(++color));
    await clear(Date.now() + 1e12);
    expect((await rig.jobs.job(id)).status).toBe('succeeded');
    expect(await rig.stored()).toHaveLength(1);
  });
});

describe("ComfyUI's history", () => {
  const entries = async (id: string) =>
    Object.keys((await (await fetch(`${rig.comfyUI.url}/history/${id}`)).json()) as object);

  it('is not changed by default', async () => {
    const { id } = await rig.run(flatPicture(++color));
    expect(await entries(id)).toEqual([id]);
  });

  it('loses ended jobs with the option', async () => {
    await rig.restart({ cleanHistory: true });
    const others = await (await postJson(`${rig.comfyUI.url}/prompt`, { prompt: flatPicture(++color) })).json();
    const { id } = await rig.run(flatPicture(++color));
    for (let attempt = 0; attempt < 50 && (await entries(id)).length > 0; attempt++)
      await new Promise((done) => setTimeout(done, 20));
    expect(await entries(id)).toEqual([]);
    const { prompt_id: other } = others as { prompt_id: string };
    expect(await entries(other)).toEqual([other]);
  });
});

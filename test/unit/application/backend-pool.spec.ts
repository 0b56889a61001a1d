import { Backend, type BackendSettings } from '../../../src/application/backends/backend';
import { BackendPool } from '../../../src/application/backends/backend-pool';
import { Timing } from '../../../src/options/timing';
import { Condition } from '../../../src/shared/condition';
import { PartialClient } from '../../support/partial-client';

const REQUIREMENTS = { classes: ['A'], labels: [], models: [] };

class ClientWithClasses extends PartialClient {
  override async nodeClasses(): Promise<ReadonlySet<string>> {
    return new Set(REQUIREMENTS.classes);
  }
}

/** Backends whose leases this process holds. */
async function poolOf(
  settings: readonly Partial<BackendSettings>[],
): Promise<{ pool: BackendPool; backends: Backend[] }> {
  const [changed, timing] = [new Condition(), new Timing()];
  const backends = settings.map((some, index) => {
    const url = `http://127.0.0.1:${index + 1}`;
    const all = { url, weight: 1, concurrency: 4, prefetch: 1, labels: [], ...some };
    return new Backend(all, new ClientWithClasses(), changed, timing);
  });
  for (const backend of backends) {
    await backend.readNodeClasses();
    backend.lease.begin({ backend: backend.url, epoch: 1 }, performance.now());
  }
  return { pool: new BackendPool(backends, changed, timing.probe), backends };
}

function take(backend: Backend, count: number): void {
  for (let taken = 0; taken < count; taken += 1) backend.take();
}

describe('the choice of a backend', () => {
  it('falls on the least loaded one, although it received the last prompt', async () => {
    const { pool, backends } = await poolOf([{}, {}]);
    take(backends[0]!, 2);
    take(backends[1]!, 1);
    expect(pool.choose(REQUIREMENTS)).toBe(backends[1]);
  });

  it('falls on the one of greater weight if both have as many prompts', async () => {
    const { pool, backends } = await poolOf([{ weight: 1 }, { weight: 3 }]);
    take(backends[0]!, 1);
    take(backends[1]!, 1);
    expect(pool.choose(REQUIREMENTS)).toBe(backends[1]);
  });

  it('falls on the one of smaller weight once the other has more prompts per weight', async () => {
    const { pool, backends } = await poolOf([{ weight: 1 }, { weight: 2 }]);
    take(backends[0]!, 1);
    take(backends[1]!, 3);
    expect(pool.choose(REQUIREMENTS)).toBe(backends[0]);
  });

  it('falls on the one of greater concurrency if both have as many prompts', async () => {
    const { pool, backends } = await poolOf([{ concurrency: 2 }, { concurrency: 4 }]);
    take(backends[0]!, 1);
    take(backends[1]!, 1);
    expect(pool.choose(REQUIREMENTS)).toBe(backends[1]);
  });
});

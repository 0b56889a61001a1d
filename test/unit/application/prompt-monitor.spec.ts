import type { HistoryRecord, PromptState } from '../../../src/application/backends/comfyui-client';
import { PromptMonitor } from '../../../src/application/execution/prompt-monitor';
import { Timing } from '../../../src/options/timing';
import { PartialClient } from '../../support/partial-client';

const RECORD: HistoryRecord = { outcome: { kind: 'succeeded' }, outputs: new Map(), cached: [] };
const GONE: PromptState = { state: 'gone' };
const TIMING = { ...new Timing().prompt, firstPoll: 1 };

/** Reports these states, one per look-up. */
class ScriptedClient extends PartialClient {
  lookUps = 0;

  constructor(private readonly states: readonly PromptState[]) {
    super();
  }

  override async find(): Promise<PromptState> {
    const state = this.states[this.lookUps];
    if (!state) throw new Error('There is no state for this look-up.');
    this.lookUps += 1;
    return state;
  }
}

async function outcome(client: ScriptedClient): Promise<HistoryRecord> {
  const hooks = { onEvent: () => undefined, onEnded: () => undefined };
  const monitor = new PromptMonitor(client, 'id', hooks, TIMING);
  await monitor.resume(null);
  return monitor.outcome(new AbortController().signal).finally(() => monitor.close());
}

describe('a prompt that is in neither queue nor history', () => {
  it('is looked up once more, and the history of that look-up counts', async () => {
    const client = new ScriptedClient([GONE, { state: 'finished', record: RECORD }]);
    expect(await outcome(client)).toBe(RECORD);
    expect(client.lookUps).toBe(2);
  });

  it('is lost after two look-ups in a row', async () => {
    const client = new ScriptedClient([GONE, GONE]);
    await expect(outcome(client)).rejects.toMatchObject({ code: 'backend_lost' });
    expect(client.lookUps).toBe(2);
  });

  it('is lost only after two more look-ups if it ran in between', async () => {
    const client = new ScriptedClient([GONE, { state: 'running' }, GONE, GONE]);
    await expect(outcome(client)).rejects.toMatchObject({ code: 'backend_lost' });
    expect(client.lookUps).toBe(4);
  });
});

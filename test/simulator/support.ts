import { randomInt } from 'node:crypto';
import { Simulator, SimulatorOptions, startSimulator } from '../../src/simulator';
import { PromptBody, RawClient } from '../contract/support/raw-client';
import { Server } from '../contract/support/server';

export { flatPicture } from '../contract/support/workflows';

/** A new simulator for every test of a describe block. */
export function useSimulator(options: SimulatorOptions = {}): () => Simulator {
  let simulator: Simulator | undefined;
  beforeEach(async () => {
    simulator = await startSimulator({ speed: 'instant', ...options });
  });
  afterEach(() => simulator?.close());
  return () => {
    if (simulator === undefined) throw new Error('the simulator is used before its start');
    return simulator;
  };
}

export const serverOf = (simulator: Simulator): Server => ({ url: simulator.url, headers: {}, simulator });

export const connect = (simulator: Simulator, id?: string): Promise<RawClient> =>
  RawClient.connect(serverOf(simulator), id === undefined ? {} : { id });

/** An image that passes a SimulatedSleep (node 2), which has a progress bar. */
export const steps = (count: number, seconds = 0): PromptBody['prompt'] => ({
  '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: randomInt(2 ** 24) } },
  '2': { class_type: 'SimulatedSleep', inputs: { image: ['1', 0], seconds, steps: count, preview: false } },
  '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'steps' } },
});

import type { ComfyUIOptions } from '../../src/options/comfyui.options';
import type { Simulator } from '../../src/simulator';
import { type Stack, startComfyUI, startStack } from './stack';

/** A simulator and a host application that uses it. */
export interface FreshStack {
  comfyUI: Simulator;
  stack: Stack;
}

/** Creates new ones for each test of the calling file or block; a test may replace them. */
export function freshStack(options: Omit<ComfyUIOptions, 'baseUrl'> = {}): FreshStack {
  const fresh = {} as FreshStack;
  beforeEach(async () => {
    fresh.comfyUI = await startComfyUI();
    fresh.stack = await startStack({ baseUrl: fresh.comfyUI.url, ...options });
  });
  afterEach(async () => {
    await fresh.stack.close();
    await fresh.comfyUI.close();
  });
  return fresh;
}

import type { ComfyUIOptions } from '../../src/options/comfyui.options';
import type { Simulator } from '../../src/simulator';
import { type Stack, startComfyUI, startStack } from './stack';

/** A simulator and a host application in front of it. */
export interface FreshStack {
  comfyUI: Simulator;
  stack: Stack;
}

/** New ones for each test of the file or block that calls it; a test may put others in their place. */
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

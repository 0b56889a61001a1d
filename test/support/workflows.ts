import type { Workflow } from '../../src/domain/workflow/workflow';

/** Saves an image of one colour. */
export function flatPicture(color: number, { width = 64, height = 48, batch = 1, prefix = 'flat' } = {}): Workflow {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width, height, batch_size: batch, color } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  };
}

/** Saves an incompressible image: 690 x 690 is about 1.4 MB. */
export function noisePicture(seed: number | bigint | string, { size = 64, batch = 1 } = {}): Workflow {
  return {
    '1': { class_type: 'SimulatedNoise', inputs: { width: size, height: size, seed, batch_size: batch } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'noise' } },
  };
}

/** A slow run with progress steps. */
export function slowPicture(color: number, { seconds = 1, steps = 10 } = {}): Workflow {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: 32, height: 32, batch_size: 1, color } },
    '2': { class_type: 'SimulatedSleep', inputs: { seconds, steps, preview: true, image: ['1', 0] } },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'slow' } },
  };
}

/** A run with any outputs; see the simulator's SimulatedFiles. */
export function anything(items: readonly object[], seed = 0): Workflow {
  return { '1': { class_type: 'SimulatedFiles', inputs: { items: JSON.stringify(items), seed } } };
}

import { lastNodes } from '../../../src/domain/workflow/last-nodes';

const node = (inputs: Record<string, unknown> = {}) => ({ class_type: 'A', inputs });

describe('the last nodes', () => {
  it('are those that nothing is taken from', () => {
    const workflow = {
      loader: node(),
      sampler: node({ model: ['loader', 0] }),
      save: node({ images: ['sampler', 0] }),
    };
    expect(lastNodes({ ...workflow, preview: node({ images: ['sampler', 0] }) })).toEqual(['save', 'preview']);
  });

  it('are not mistaken for lists of values, or found in circles', () => {
    expect(lastNodes({ a: node({ sizes: ['a', 'b'], points: ['a', 1, 2] }), b: node({ back: ['b', 0] }) })).toEqual([
      'a',
    ]);
  });
});

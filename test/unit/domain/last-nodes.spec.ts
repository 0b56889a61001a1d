import { lastNodes } from '../../../src/domain/workflow/last-nodes';

const node = (inputs: Record<string, unknown> = {}) => ({ class_type: 'A', inputs });

describe('lastNodes', () => {
  it('returns the nodes without outgoing links', () => {
    const workflow = {
      loader: node(),
      sampler: node({ model: ['loader', 0] }),
      save: node({ images: ['sampler', 0] }),
    };
    expect(lastNodes({ ...workflow, preview: node({ images: ['sampler', 0] }) })).toEqual(['save', 'preview']);
  });

  it('does not take lists of values for links, and excludes cycles', () => {
    expect(lastNodes({ a: node({ sizes: ['a', 'b'], points: ['a', 1, 2] }), b: node({ back: ['b', 0] }) })).toEqual([
      'a',
    ]);
  });
});

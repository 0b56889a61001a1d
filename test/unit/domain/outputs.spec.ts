import { findOutputs, inNodeOrder, withoutPreviews } from '../../../src/domain/job/outputs';

describe('findOutputs', () => {
  it('finds files by their shape under any key', () => {
    const file = { filename: 'a.png', subfolder: 'x', type: 'output' };
    for (const key of ['images', 'gifs', 'video', 'audio', '3d', 'files', 'whatever']) {
      expect(findOutputs('9', { [key]: [file] }).files).toEqual([{ nodeId: '9', ...file }]);
    }
  });

  it('adds the fields that old nodes omit, and replaces unknown types', () => {
    const items = [
      { filename: 'a' },
      { filename: 'b', type: 'temp', subfolder: null },
      { filename: 'c', type: '../etc' },
    ];
    expect(findOutputs('1', { images: items }).files.map(({ type, subfolder }) => [type, subfolder])).toEqual([
      ['output', ''],
      ['temp', ''],
      ['output', ''],
    ]);
  });

  it('finds texts, in lists and alone', () => {
    expect(findOutputs('4', { text: ['a', 'b'], string: 'c', animated: [true] }).texts.map(({ text }) => text)).toEqual(
      ['a', 'b', 'c'],
    );
  });

  it.each([
    null,
    undefined,
    'text',
    [],
    { images: null },
    { images: [null, 5, {}, { filename: 5 }, { filename: '' }] },
  ])('finds nothing in %j', (output) => {
    expect(findOutputs('1', output).files).toEqual([]);
  });
});

describe('the output files of a run', () => {
  it('exclude temporary files if there is any other', () => {
    const temp = { type: 'temp' } as const;
    const kept = { type: 'output' } as const;
    expect(withoutPreviews([temp, kept])).toEqual([kept]);
    expect(withoutPreviews([temp, temp])).toEqual([temp, temp]);
  });

  it('follow the order of the submitted nodes, then that of the items', () => {
    const items = [
      { nodeId: 'late', n: 1 },
      { nodeId: 'unknown', n: 2 },
      { nodeId: 'early', n: 3 },
      { nodeId: 'early', n: 4 },
    ];
    expect(inNodeOrder(items, ['early', 'late']).map(({ n }) => n)).toEqual([3, 4, 1, 2]);
  });
});

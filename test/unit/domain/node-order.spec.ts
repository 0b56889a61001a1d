import { nodeIdsOf, noteNodeOrder } from '../../../src/domain/workflow/node-order';
import { parseWorkflow } from '../../../src/domain/workflow/parse-workflow';

function orderAfter(text: string): readonly string[] {
  const body = JSON.parse(text) as { prompt: unknown };
  noteNodeOrder(body, text);
  return nodeIdsOf(parseWorkflow(body.prompt));
}

const node = '{"class_type":"A","inputs":{"3":"\\"5\\":","4":1}}';

describe('the order of nodes', () => {
  it('is that of the text, also where JavaScript sorts the ids', () => {
    expect(orderAfter(`{"1":{},"prompt" : {"9" :${node},"b":${node},"3"\n:${node},"a\\"7":${node}},"x":"y"}`)).toEqual([
      '9',
      'b',
      '3',
      'a"7',
    ]);
  });

  it('excludes fields that are no nodes', () => {
    expect(orderAfter(`{"prompt":{"9":${node},"client_id":"me","3":${node}}}`)).toEqual(['9', '3']);
  });

  it('is that of the object if no text is known', () => {
    expect(nodeIdsOf(parseWorkflow(JSON.parse(`{"9":${node},"3":${node}}`)))).toEqual(['3', '9']);
  });

  it('is found beside an image of megabytes', () => {
    const image = '\\n'.repeat(10_000_000);
    expect(orderAfter(`{"prompt":{"9":{"class_type":"A","inputs":{"image":"${image}"}},"3":${node}}}`)).toEqual([
      '9',
      '3',
    ]);
  });

  it.each(['null', '[]', '{}', '{"prompt":null}', '{"prompt":"text"}'])('is ignored for %s', (text) => {
    expect(() => noteNodeOrder(JSON.parse(text), text)).not.toThrow();
  });
});

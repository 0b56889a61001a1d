import { GenerateBodyPipe } from '../../../src/presentation/shared/generate/generate-body.pipe';
import { generationRequest } from '../../../src/presentation/shared/generate/generation-request';

const pipe = new GenerateBodyPipe();
const prompt = { '1': { class_type: 'A', inputs: {} } };

describe('the body of a request', () => {
  it('has the fields that its class declares, and no others', () => {
    const fields = {
      allowPartial: true,
      keepPreviews: false,
      label: 'fox',
      priority: -3,
      labels: ['sdxl'],
      timeout: 5,
    };
    const output = { format: 'webp', quality: 7 };
    const body = { prompt, ...fields, cancelOnDisconnect: true, response: 'url', output };
    expect(pipe.transform({ ...body, client_id: 'me', extra: {}, workflow: 'other' })).toStrictEqual(body);
  });

  it('has no field that is left out, or null', () => {
    const empty = { label: null, labels: null, priority: undefined, timeout: null, output: null };
    expect(pipe.transform({ prompt, ...empty })).toStrictEqual({ prompt });
  });

  it('keeps the workflow as it is, without a copy', () => {
    expect(pipe.transform({ prompt, label: 'fox' }).prompt).toBe(prompt);
    expect(pipe.transform({ prompt: 'not a workflow' }).prompt).toBe('not a workflow');
  });

  it.each([
    [{ timeout: 0 }, 'timeout must be a positive number'],
    [{ labels: ['a', ''] }, 'each value in labels must be longer than or equal to 1 and shorter than'],
    [{ output: { format: 'gif' } }, 'output.format must be one of the following values: png, jpeg, webp'],
    [{ response: 'file' }, 'response must be one of the following values: base64, url'],
  ])('is refused with a sentence that names the field: %j', (fields, sentence) => {
    const message = expect.stringContaining(sentence);
    expect(() => pipe.transform({ prompt, ...fields })).toThrow(
      expect.objectContaining({ code: 'invalid_request', message }),
    );
  });

  it('becomes a request with every field that concerns the job', () => {
    const job = { allowPartial: true, keepPreviews: true, label: 'fox', priority: 1, labels: ['sdxl'] };
    const response = { timeout: 5, cancelOnDisconnect: true, response: 'url', output: { format: 'png' } };
    const body = pipe.transform({ prompt, ...job, ...response });
    const beside = { idempotencyKey: 'k', whenUnreachable: 'refuse' } as const;
    expect(generationRequest(body, beside)).toStrictEqual({ workflow: prompt, ...job, ...beside });
  });
});

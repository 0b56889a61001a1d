import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXAMPLE_WORKFLOW } from '../../src/presentation/shared/generate/example-workflow';

it('examples/txt2img.json is a body for POST /generate with the workflow that Swagger UI shows', () => {
  const body: unknown = JSON.parse(readFileSync(join(__dirname, '../../examples/txt2img.json'), 'utf8'));
  expect(body).toEqual({ prompt: EXAMPLE_WORKFLOW });
});

import { readFile } from 'node:fs/promises';
import type { Simulator } from '../../src/simulator';
import { EXAMPLE_WORKFLOW } from '../../src/presentation/shared/generate/example-workflow';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';

interface Schema {
  readonly properties?: Record<
    string,
    { description?: string; example?: unknown; $ref?: string; items?: unknown; allOf?: unknown }
  >;
}

interface OpenApi {
  readonly info: { readonly version: string };
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { description: string }>; summary?: string; requestBody?: unknown }>
  >;
  readonly components: { schemas: Record<string, Schema> };
}

let comfyUI: Simulator;
let stack: Stack;
let document: OpenApi;

beforeAll(async () => {
  comfyUI = await startComfyUI();
  stack = await startStack({ baseUrl: comfyUI.url }, 'service');
  document = (await (await fetch(`${stack.url}/docs-json`)).json()) as OpenApi;
});

afterAll(async () => {
  await stack.close();
  await comfyUI.close();
});

it('Swagger UI is at /docs', async () => {
  const response = await fetch(`${stack.url}/docs`);
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('swagger-ui');
});

it('the document has the version of the package', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(document.info.version).toBe(version);
});

it('every endpoint is described, with all its errors', () => {
  const codes = (path: string, method: string) => Object.keys(document.paths[path]?.[method]?.responses ?? {});
  expect(codes('/generate', 'post')).toEqual('200 202 400 409 413 422 429 500 501 502 503 504'.split(' '));
  expect(codes('/comfyui/workflow', 'post')).toEqual('200 400 413 422 429 500 502 503'.split(' '));
  expect(codes('/comfyui/status', 'get')).toEqual(['200']);
  expect(codes('/jobs', 'get')).toEqual(['200', '400', '500']);
  expect(codes('/jobs/{id}', 'get')).toEqual(['200', '404', '500']);
  expect(codes('/jobs/{id}/events', 'get')).toEqual(['200', '404', '500']);
  expect(codes('/jobs/{id}/collect', 'post')).toEqual(['200', '404', '409', '500', '502', '503']);
  expect(codes('/jobs/{id}', 'delete')).toEqual(['204', '404', '409', '500']);
  expect(codes('/assets', 'get')).toEqual(['200', '400', '500']);
  expect(codes('/assets/{id}', 'get')).toEqual('200 206 304 400 404 416 500 501 503'.split(' '));
  expect(codes('/assets/{id}/meta', 'get')).toEqual(['200', '404', '500']);
  expect(codes('/assets/{id}', 'delete')).toEqual(['204', '404', '409', '500']);
  expect(Object.keys(document.paths)).toHaveLength(14);
});

it('every field has a description, and every scalar one an example', () => {
  const poor = Object.entries(document.components.schemas).flatMap(([schema, { properties = {} }]) =>
    Object.entries(properties)
      .filter(
        ([, { description, example, $ref, allOf, items }]) =>
          !description || (example === undefined && !$ref && !allOf && !items),
      )
      .map(([field]) => `${schema}.${field}`),
  );
  expect(poor).toEqual([]);
});

it('the example of /generate is the workflow of the README and runs unchanged', async () => {
  const prompt = document.components.schemas.GenerateRequest?.properties?.prompt?.example;
  expect(prompt).toEqual(EXAMPLE_WORKFLOW);
  expect(
    (
      await postJson(
        `${stack.url}/generate`,
        { prompt, timeout: 120, cancelOnDisconnect: false },
        { accept: 'image/png' },
      )
    ).status,
  ).toBe(200);
});

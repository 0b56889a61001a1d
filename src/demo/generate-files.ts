import { mkdir, writeFile } from 'node:fs/promises';
import { resolve, win32 } from 'node:path';
import { generate, type OutputData } from './generate';
import { ProgressBar } from './progress-bar';

const OUTPUT_FOLDER = 'demo-output';

/** Sends the request, shows its progress and writes the output files. Returns their paths. */
export async function generateFiles(serviceUrl: string, body: string): Promise<string[]> {
  const bar = new ProgressBar(process.stdout);
  const outputs: OutputData[] = [];
  let ended = false;
  try {
    for await (const { event, data } of generate(serviceUrl, body)) {
      if (event === 'progress') bar.show(data);
      if (event === 'output') outputs.push(data);
      if (event === 'error') throw new Error(data.message);
      ended ||= event === 'result';
    }
  } finally {
    bar.end();
  }
  if (!ended) throw new Error('The response of the service ended before the result.');
  if (outputs.length === 0) throw new Error('The workflow ran without output files.');
  return Promise.all(outputs.map(save));
}

async function save({ filename, base64 }: OutputData): Promise<string> {
  // The name comes from the server: basename keeps it inside the folder, with slashes of any kind.
  const path = resolve(OUTPUT_FOLDER, win32.basename(filename));
  await mkdir(OUTPUT_FOLDER, { recursive: true });
  await writeFile(path, Buffer.from(base64, 'base64'));
  return path;
}

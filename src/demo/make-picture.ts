import { mkdir, writeFile } from 'node:fs/promises';
import { resolve, win32 } from 'node:path';
import { generate, type OutputData } from './generate';
import { ProgressBar } from './progress-bar';

const OUTPUT_FOLDER = 'demo-output';

/** Sends the request, shows how far it is and writes what comes back. Returns the paths of the files. */
export async function makePicture(serviceUrl: string, body: string): Promise<string[]> {
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
  if (!ended) throw new Error('The service broke off in the middle of its answer.');
  if (outputs.length === 0) throw new Error('The workflow ran, but made no picture.');
  return Promise.all(outputs.map(save));
}

async function save({ filename, base64 }: OutputData): Promise<string> {
  // The name comes from the server: basename keeps it inside the folder, whichever slash it uses.
  const path = resolve(OUTPUT_FOLDER, win32.basename(filename));
  await mkdir(OUTPUT_FOLDER, { recursive: true });
  await writeFile(path, Buffer.from(base64, 'base64'));
  return path;
}

import { setTimeout } from 'node:timers/promises';
import { localStorage } from '../../src/infrastructure/storage/local/local-storage';
import { withSource, MIB, NEVER, randomFile } from './files';

const [mode, directory = ''] = process.argv.slice(2);

/** Another process with the same folder: stores a file and prints the result, or hangs in the middle of the put. */
async function main(): Promise<void> {
  const storage = localStorage({ directory });
  await storage.check(NEVER);
  const file = randomFile(3 * MIB);
  const hanging = withSource(file, async function* () {
    yield file.bytes.subarray(0, MIB);
    yield file.bytes.subarray(MIB, 2 * MIB);
    console.log(JSON.stringify({ isUnderWay: true }));
    await setTimeout(60_000);
  });
  try {
    await storage.put(mode === 'hang' ? hanging : file, NEVER);
    console.log(JSON.stringify({ stored: file.sha256 }));
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    console.log(JSON.stringify({ code, message }));
  }
}

void main();

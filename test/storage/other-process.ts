import { setTimeout } from 'node:timers/promises';
import { localStorage } from '../../src/infrastructure/storage/local/local-storage';
import { broughtBy, MIB, NEVER, randomFile } from './files';

const [mode, directory = ''] = process.argv.slice(2);

/** Another process on a folder: stores a file and tells how it went, or stays in the middle of it. */
async function main(): Promise<void> {
  const storage = localStorage({ directory });
  await storage.check(NEVER);
  const file = randomFile(3 * MIB);
  const hanging = broughtBy(file, async function* () {
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

/**
 * Another process on a data folder: `other-process.ts MODE DIRECTORY`. Reports in lines of JSON.
 * hold: opens the database and keeps it; closes it on SIGTERM.
 * add: stores a job and is killed at once.
 * fill: stores jobs until one is refused.
 */
import { writeSync } from 'node:fs';
import { ComfyUIError } from '../../src/domain/errors';
import type { Job } from '../../src/domain/job/job';
import { entryOf, waitingJob } from './jobs';
import { Opened } from './opened';

const PICTURE = { '1': { class_type: 'LoadImage', inputs: { image: 'x'.repeat(50_000) } } };

async function main([mode, dataDirectory]: string[]): Promise<void> {
  const opened = await Opened.at({ dataDirectory });
  if (mode === 'hold') hold(opened);
  if (mode === 'add') await addAndDie(opened);
  if (mode === 'fill') await fill(opened);
}

/** Synchronously: the process may be killed next. */
function report(what: object): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}

function hold({ database }: Opened): void {
  const staysAlive = setInterval(() => undefined, 1000);
  process.once('SIGTERM', () => {
    clearInterval(staysAlive);
    void database.close();
  });
  report({ opened: true });
}

async function addAndDie(opened: Opened): Promise<void> {
  const job = await opened.add(waitingJob());
  report({ added: job.id });
  process.kill(process.pid, 'SIGKILL');
}

async function fill(opened: Opened): Promise<void> {
  const added: Job[] = [];
  const refused: unknown[] = [];
  while (refused.length < 3) {
    const job = waitingJob();
    try {
      await opened.jobs.add(entryOf(job, { workflow: PICTURE }));
      added.push(job);
    } catch (error) {
      refused.push(
        error instanceof ComfyUIError ? { code: error.code, message: error.message, id: job.id } : String(error),
      );
    }
  }
  const isReadable = await opened.jobs.list({ limit: 1 }).then(() => true);
  report({ added: added.map(({ id }) => id), refused, isReadable });
}

void main(process.argv.slice(2));

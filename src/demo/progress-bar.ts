import type { ProgressData } from './generate';

const WIDTH = 30;
const CLEAR_TO_END_OF_LINE = '\x1b[K';

/** A line that is updated in place on a terminal; elsewhere a plain line for every tenth. */
export class ProgressBar {
  #lastTenth = -1;

  constructor(private readonly out: NodeJS.WriteStream) {}

  show(progress: ProgressData): void {
    if (this.out.isTTY) {
      this.out.write(`\r${bar(progress.value)} ${describe(progress)}${CLEAR_TO_END_OF_LINE}`);
      return;
    }
    const tenth = Math.floor(progress.value * 10);
    if (tenth === this.#lastTenth) return;
    this.#lastTenth = tenth;
    this.out.write(`${describe(progress)}\n`);
  }

  /** Ends the line, so that later output starts on a new one. */
  end(): void {
    if (this.out.isTTY) this.out.write('\n');
  }
}

function bar(value: number): string {
  const done = Math.round(value * WIDTH);
  return `[${'#'.repeat(done)}${'-'.repeat(WIDTH - done)}]`;
}

function describe({ status, value, currentNodeClass, step, steps }: ProgressData): string {
  const percent = `${Math.round(value * 100)}%`.padStart(4);
  const node = currentNodeClass ?? status;
  return step === null ? `${percent} ${node}` : `${percent} ${node}, step ${step} of ${steps}`;
}

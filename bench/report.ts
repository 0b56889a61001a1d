import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figures';

/** The results of all measurements, and folders for their servers. */
export class Report {
  readonly figures: Figure[] = [];
  readonly problems: string[] = [];

  constructor(private readonly directory: string) {}

  /** A new folder. */
  folder(): Promise<string> {
    return mkdtemp(join(this.directory, 'part-'));
  }

  add(figure: Figure, problems: readonly string[] = []): void {
    this.figures.push(figure);
    this.problems.push(...problems);
    console.error(`${figure.what}: ${figure.measured}`);
  }
}

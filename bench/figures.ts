/** A measured value and its goal. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** Missing where the figure is only information. */
  readonly goal?: string;
  readonly holds?: boolean;
}

export const FIGURE_HEADINGS = ['figure', 'measured', 'goal', 'holds'];

export function figureRow({ what, measured, goal = '', holds }: Figure): string[] {
  return [what, measured, goal, holds === undefined ? '' : yesOrNo(holds)];
}

export function yesOrNo(holds: boolean): string {
  return holds ? 'yes' : 'no';
}

/** @param fraction 0 to 1 */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? NaN;
}

export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, headings.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

interface Bounds {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Twice as long after each failure, ms; less by up to a quarter, so that those who failed together do not come back together. */
export function growingPause(failures: number, { firstMs, longestMs }: Bounds): number {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(whole * (1 - Math.random() / 4));
}

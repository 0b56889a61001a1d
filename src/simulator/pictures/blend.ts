import { PythonError } from '../python-values';
import { Picture } from './picture';
import { scale } from './operations';

type Mix = (a: number, b: number) => number;

const softLightCurve = (x: number): number => (x <= 0.25 ? ((16 * x - 12) * x + 4) * x : Math.sqrt(x));

/** Channel values 0..1. */
const MODES: Record<string, Mix> = {
  normal: (_, b) => b,
  multiply: (a, b) => a * b,
  screen: (a, b) => 1 - (1 - a) * (1 - b),
  overlay: (a, b) => (a <= 0.5 ? 2 * a * b : 1 - 2 * (1 - a) * (1 - b)),
  soft_light: (a, b) => (b <= 0.5 ? a - (1 - 2 * b) * a * (1 - a) : a + (2 * b - 1) * (softLightCurve(a) - a)),
  difference: (a, b) => a - b,
};

export const BLEND_MODES = Object.keys(MODES);

/** Blends `over` into `base`; `over` is scaled to the size of `base`. */
export function blend(base: Picture, over: Picture, factor: number, mode: string): Picture {
  const top = scale(over, base.width, base.height, 'bicubic', 'center');
  const mix = MODES[mode];
  if (mix === undefined) throw new PythonError('ValueError', `Unsupported blend mode: ${mode}`);
  return new Picture(`blend(${base.key}|${top.key}) ${mode} ${factor}`, base.width, base.height, async () => {
    const [a, b] = await Promise.all([base.pixels(), top.pixels()]);
    const blended = Buffer.allocUnsafe(a.length);
    for (let i = 0; i < a.length; i++) {
      const value = a[i]! / 255;
      const result = value * (1 - factor) + mix(value, b[i]! / 255) * factor;
      blended[i] = Math.min(255, Math.max(0, Math.floor(result * 255)));
    }
    return blended;
  });
}

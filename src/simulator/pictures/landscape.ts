import sharp from 'sharp';
import { Picture } from './picture';
import { Random } from './random';

export interface LandscapeRecipe {
  width: number;
  height: number;
  seed: string;
  positive: string;
  negative: string;
}

/** Words of the prompt that set the hue of the image. */
const HUES: Record<string, number> = {
  red: 0,
  fox: 20,
  orange: 28,
  sunset: 16,
  gold: 45,
  yellow: 52,
  desert: 38,
  green: 120,
  forest: 130,
  sea: 195,
  ocean: 200,
  snow: 205,
  sky: 210,
  blue: 220,
  night: 245,
  purple: 275,
  violet: 270,
  pink: 330,
  rose: 345,
};

function hueOf(prompt: string, random: Random): number {
  const named = prompt
    .toLowerCase()
    .match(/[a-z]+/g)
    ?.find((word) => Object.hasOwn(HUES, word));
  return named === undefined ? random.between(0, 360) : (HUES[named] ?? 0);
}

const hsl = (hue: number, saturation: number, light: number): string =>
  `hsl(${Math.round(((hue % 360) + 360) % 360)},${Math.round(saturation)}%,${Math.round(light)}%)`;

function sky(hue: number, random: Random): string {
  const x = random.between(0.15, 0.85);
  const y = random.between(0.12, 0.45);
  const radius = random.between(0.06, 0.14);
  return `<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
    <stop offset="0" stop-color="${hsl(hue + random.between(-50, 50), 62, random.between(28, 50))}"/>
    <stop offset="0.7" stop-color="${hsl(hue + random.between(10, 40), 75, 82)}"/></linearGradient>
    <radialGradient id="glow"><stop offset="0" stop-color="#fff" stop-opacity="0.8"/>
    <stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient></defs>
    <rect width="1" height="1" fill="url(#sky)"/>
    <circle cx="${x}" cy="${y}" r="${radius * 3}" fill="url(#glow)"/>
    <circle cx="${x}" cy="${y}" r="${radius}" fill="${hsl(hue + 30, 90, 92)}"/>`;
}

function ridge(base: number, hue: number, depth: number, random: Random): string {
  const points = ['0,1'];
  const phase = random.between(0, 7);
  const roughness = random.between(1.5, 4);
  for (let step = 0; step <= 40; step++) {
    const x = step / 40;
    const wave = Math.sin(x * roughness * 3 + phase) * 0.06 + Math.sin(x * roughness * 9 + phase * 2) * 0.025;
    points.push(`${x.toFixed(4)},${(base + wave + random.between(-0.008, 0.008)).toFixed(4)}`);
  }
  return `<polygon points="${points.join(' ')} 1,1" fill="${hsl(hue + depth * 14, 45 + depth * 5, 62 - depth * 13)}"/>`;
}

function drawing({ width, height, seed, positive, negative }: LandscapeRecipe): string {
  const random = new Random(`${seed}\n${positive}\n${negative}`);
  const hue = hueOf(positive, random);
  const ridges = random.integer(3, 5);
  const layers = Array.from({ length: ridges }, (_, i) => ridge(0.45 + (i * 0.5) / ridges, hue, i, random));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 1 1"
    preserveAspectRatio="none">${sky(hue, random)}${layers.join('')}</svg>`;
}

/** The deterministic image of a prompt and a seed: hills below a sun. */
export function landscape(recipe: LandscapeRecipe): Picture {
  const { width, height, seed, positive, negative } = recipe;
  return new Picture(`landscape ${JSON.stringify([width, height, seed, positive, negative])}`, width, height, () =>
    sharp(Buffer.from(drawing(recipe)))
      .removeAlpha()
      .raw()
      .toBuffer(),
  );
}

import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { GenerationFacts } from '../../../domain/workflow/generation-facts';
import type { LoraFacts } from '../../../domain/workflow/model-files';

@ApiSchema({ name: 'LoraFacts' })
export class LoraFactsDto implements LoraFacts {
  @ApiProperty({ description: 'As its loader node names it.', example: 'detail-tweaker.safetensors' })
  name!: string;

  @ApiProperty({ description: 'Strength on the model.', type: Number, nullable: true, example: 0.8 })
  strengthModel!: number | null;

  @ApiProperty({
    description: 'Strength on CLIP; null where its loader leaves CLIP unchanged.',
    type: Number,
    nullable: true,
    example: 0.8,
  })
  strengthClip!: number | null;
}

@ApiSchema({ name: 'GenerationFacts' })
export class GenerationFactsDto implements GenerationFacts {
  @ApiProperty({
    description: 'The texts of the prompt, in the order of the nodes.',
    type: [String],
    example: ['a lighthouse on a cliff at sunset, oil painting'],
  })
  positive!: string[];

  @ApiProperty({ description: 'The negative ones.', type: [String], example: ['text, watermark'] })
  negative!: string[];

  @ApiProperty({
    description: 'Of the first sampler, as text: seeds go up to 2^64-1, which a JSON number does not hold exactly.',
    type: String,
    nullable: true,
    example: '42',
  })
  seed!: string | null;

  @ApiProperty({ description: 'Of all samplers, in the order of the nodes.', type: [String], example: ['42'] })
  seeds!: string[];

  @ApiProperty({
    description: 'Pixels of the empty latent; null when the run started from an image.',
    type: Number,
    nullable: true,
    example: 512,
  })
  width!: number | null;

  @ApiProperty({ description: 'Pixels, as `width`.', type: Number, nullable: true, example: 512 })
  height!: number | null;

  @ApiProperty({ description: 'Of the first sampler.', type: Number, nullable: true, example: 20 })
  steps!: number | null;

  @ApiProperty({ description: 'Of the first sampler.', type: Number, nullable: true, example: 8 })
  cfg!: number | null;

  @ApiProperty({ description: "ComfyUI's `sampler_name`.", type: String, nullable: true, example: 'euler' })
  samplerName!: string | null;

  @ApiProperty({ description: "The sampler's scheduler.", type: String, nullable: true, example: 'normal' })
  scheduler!: string | null;

  @ApiProperty({ description: 'Of the first sampler, 0 to 1.', type: Number, nullable: true, example: 1 })
  denoise!: number | null;

  @ApiProperty({
    description: 'Checkpoints and diffusion models.',
    type: [String],
    example: ['v1-5-pruned-emaonly.safetensors'],
  })
  models!: string[];

  @ApiProperty({ description: 'LoRAs in the order they are applied.', type: [LoraFactsDto] })
  loras!: LoraFactsDto[];

  @ApiProperty({ description: 'VAEs with a loader of their own.', type: [String], example: [] })
  vaes!: string[];
}

export function toGenerationFactsDto(facts: GenerationFacts): GenerationFactsDto {
  return {
    positive: [...facts.positive],
    negative: [...facts.negative],
    seed: facts.seed,
    seeds: [...facts.seeds],
    width: facts.width,
    height: facts.height,
    steps: facts.steps,
    cfg: facts.cfg,
    samplerName: facts.samplerName,
    scheduler: facts.scheduler,
    denoise: facts.denoise,
    models: [...facts.models],
    loras: facts.loras.map((lora) => ({ ...lora })),
    vaes: [...facts.vaes],
  };
}

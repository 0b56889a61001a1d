import { DocumentBuilder } from '@nestjs/swagger';

export function describeApi(): ReturnType<DocumentBuilder['build']> {
  return new DocumentBuilder()
    .setTitle('nestjs-comfyui')
    .setDescription('The dependable front door to ComfyUI: a workflow in, the picture out.')
    .setVersion('0.2.0')
    .addTag('generate', 'A workflow in, the picture out')
    .addTag('jobs', 'The record of each generation')
    .addTag('assets', 'The files that jobs produced')
    .addTag('comfyui', 'The ComfyUI servers behind this service')
    .addTag('health', 'Probes for the platform that runs this service')
    .build();
}

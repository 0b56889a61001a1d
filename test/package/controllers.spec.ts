import { FreshApplication } from './fresh-application';
import { describeHost } from './host-application';

const PACKAGES = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  '@nestjs/swagger',
  'class-transformer',
  'class-validator',
  'reflect-metadata',
  'rxjs',
  'typescript',
  '@types/node',
];

describeHost('the packed endpoints in a fresh Nest application with its own prefix, pipe and filter', () =>
  FreshApplication.install(PACKAGES),
);

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { DatabaseOptions } from '../../src/infrastructure/database/open-database';

/** Where a database can be opened, empty at first. */
export interface Place {
  readonly options: DatabaseOptions;
  remove(): Promise<void>;
}

export interface PostgresPlace extends Place {
  readonly url: string;
  readonly name: string;
}

export async function inMemory(): Promise<Place> {
  return { options: {}, remove: async () => undefined };
}

export async function inFolder(): Promise<Place & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'store-spec-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  return { options: { dataDirectory: directory }, directory, remove };
}

/** A new database on the server of `TEST_DATABASE_URL`. */
export async function inPostgres(): Promise<PostgresPlace> {
  const name = `spec_${randomUUID().replaceAll('-', '')}`;
  await onServer(`create database ${name}`);
  const url = new URL(serverUrl());
  url.pathname = name;
  return {
    options: { databaseUrl: url.href },
    url: url.href,
    name,
    remove: async () => void (await onServer(`drop database ${name} with (force)`)),
  };
}

/** One database for the tests of a `describe` block, emptied by each call: creating one takes longer than most tests. */
export function inSharedPostgres(): () => Promise<PostgresPlace> {
  let shared: PostgresPlace | undefined;
  afterAll(() => shared?.remove());
  return async () => {
    shared ??= await inPostgres();
    await onServer('drop schema if exists comfyui cascade', shared.url);
    return { ...shared, remove: async () => undefined };
  };
}

/** Tests on PostgreSQL: without a server they fail in CI, and are skipped with a warning elsewhere. */
export function describeOnPostgres(name: string, define: () => void): void {
  if (process.env.TEST_DATABASE_URL) describe(name, define);
  else if (process.env.CI) it(`${name}: has a PostgreSQL server`, () => expect(serverUrl()).toBeDefined());
  else {
    console.warn('NOTHING is tested on PostgreSQL: run `export $(.ci/postgres start)` first.');
    it.todo(`${name}: works on PostgreSQL`);
  }
}

export function serverUrl(): string {
  const { TEST_DATABASE_URL } = process.env;
  if (!TEST_DATABASE_URL) throw new Error('TEST_DATABASE_URL is not set: run `export $(.ci/postgres start)` first.');
  return TEST_DATABASE_URL;
}

/** Runs SQL on a connection of its own, as other software does. */
export async function onServer(sql: string, url = serverUrl()): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

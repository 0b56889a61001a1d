import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { DatabaseOptions } from '../../src/infrastructure/database/open-database';

/** Somewhere a database can be, empty at first. */
export interface Place {
  readonly options: DatabaseOptions;
  /** What is kept there outlives the process. */
  readonly lasts: boolean;
  remove(): Promise<void>;
}

export async function inMemory(): Promise<Place> {
  return { options: {}, lasts: false, remove: async () => undefined };
}

export async function inFolder(): Promise<Place & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'store-spec-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  return { options: { dataDirectory: directory }, directory, lasts: true, remove };
}

/** A database of its own on the server of `TEST_DATABASE_URL`. */
export async function inPostgres(): Promise<Place & { readonly url: string; readonly name: string }> {
  const name = `spec_${randomUUID().replaceAll('-', '')}`;
  await onServer(`create database ${name}`);
  const url = new URL(serverUrl());
  url.pathname = name;
  return {
    options: { databaseUrl: url.href },
    url: url.href,
    name,
    lasts: true,
    remove: async () => void (await onServer(`drop database ${name} with (force)`)),
  };
}

export function serverUrl(): string {
  const { TEST_DATABASE_URL } = process.env;
  if (!TEST_DATABASE_URL) throw new Error('TEST_DATABASE_URL is not set: run `export $(.ci/postgres start)` first.');
  return TEST_DATABASE_URL;
}

/** As another program would that uses the same server. */
export async function onServer(sql: string, url = serverUrl()): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

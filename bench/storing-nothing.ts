import { join } from 'node:path';

/** Loaded before the service: its storage takes files and keeps none, so that a run shows what keeping them costs. */
const MODULE = join(__dirname, '../../dist/infrastructure/storage/local/local-storage.js');

const storage = require(MODULE) as { localStorage: (options: object) => object };
const { localStorage } = storage;
const nothing = async () => undefined;
storage.localStorage = (options) => Object.assign(localStorage(options), { put: nothing, check: nothing });

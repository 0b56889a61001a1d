/**
 * `node -r count-live-jobs.cjs dist/main.js`: on SIGWINCH, which Nest leaves alone, the process writes how many live jobs
 * are left after a garbage collection, to the file in LIVE_JOBS_FILE.
 */
const { renameSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { queryObjects } = require('node:v8');

process.on('SIGWINCH', () => {
  const { LiveJob } = require(path.resolve(process.env.DIST_DIR || 'dist', 'application/live-job.js'));
  const file = process.env.LIVE_JOBS_FILE;
  writeFileSync(`${file}.new`, String(queryObjects(LiveJob, { format: 'count' })));
  renameSync(`${file}.new`, file);
});

/**
 * `node -r crash-points.cjs dist/main.js`: the process ends with SIGKILL at the point that the file in CRASH_FILE names,
 * `<point>:<count>`, when it is reached for the count-th time after the file was written.
 */
const { readFileSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const file = process.env.CRASH_FILE;
const dist = path.resolve(process.env.DIST_DIR || 'dist');

crashAfter('job-stored', 'infrastructure/database/kysely-job-repository', 'KyselyJobRepository', 'add');
crashAfter('prompt-posted', 'infrastructure/comfyui/http-comfyui-client', 'HttpComfyUIClient', 'submit');
crashAfter('output-fetched', 'application/execution/output-fetcher', 'OutputFetcher', 'fetch');
crashAfter('job-ended', 'infrastructure/database/kysely-job-repository', 'KyselyJobRepository', 'save', isEnded);
crashAfter('job-resumed', 'application/execution/job-executor', 'JobExecutor', 'resume');

/** The point is reached when the method has done its work, and its caller does not know yet. */
function crashAfter(point, module, className, method, applies = () => true) {
  const { prototype } = require(path.join(dist, `${module}.js`))[className];
  const original = prototype[method];
  prototype[method] = function (...args) {
    const result = original.apply(this, args);
    if (!applies(...args)) return result;
    if (!(result instanceof Promise)) reach(point);
    return result instanceof Promise ? result.then((value) => (reach(point), value)) : result;
  };
}

function isEnded({ endedAt }) {
  return endedAt !== undefined;
}

function reach(point) {
  const [armed, count] = read().split(':');
  if (armed !== point) return;
  rmSync(file);
  if (Number(count) > 1) writeFileSync(file, `${point}:${count - 1}`);
  else process.kill(process.pid, 'SIGKILL');
}

function read() {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

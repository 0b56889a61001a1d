import { ServerProcess } from '../server-process';
import { addCatalogueRoutes } from './catalogue-routes';
import { addFaultRoutes } from './fault-routes';
import { addHistoryRoutes } from './history-routes';
import { JobsRoutes } from './jobs-routes';
import { PromptRoutes } from './prompt-routes';
import { text } from './replies';
import { Router } from './router';
import { addSystemRoutes } from './system-routes';
import { addUploadRoutes } from './upload-routes';
import { ViewRoute } from './view-routes';

/** All routes of a process. Their paths have no `/api`, which the gate removes. */
export function routesOf(process: ServerProcess): Router {
  const router = new Router();
  const { settings, files, faults, inventory, history } = process;
  new PromptRoutes(process).addTo(router);
  addHistoryRoutes(router, history);
  new ViewRoute(files, faults, process.signal).addTo(router);
  addUploadRoutes(router, files);
  addCatalogueRoutes(router, inventory);
  addSystemRoutes(router, settings.protocol, settings.maxUploadSize);
  if (settings.protocol === '0.38') new JobsRoutes(process).addTo(router);
  addFaultRoutes(router, faults);
  router.add('GET', '/ws', () => text('No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".', 400));
  return router;
}

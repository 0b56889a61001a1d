/**
 * A stand-in for a ComfyUI server, for demonstrations and tests without a GPU. It speaks ComfyUI's HTTP and WebSocket
 * protocol (0.3.64, or what 0.38 changed), really runs nodes that need no model, and gives the sampler chain a picture
 * that follows from prompt and seed. What goes wrong with real servers goes wrong here on demand: see `Fault`.
 *
 *     const simulator = await startSimulator({ speed: 'instant' });
 *     const fault = simulator.faults.arm({ kind: 'drop-socket', after: 'execution_start' });
 *     // ... use simulator.url ...
 *     await simulator.close();
 *
 * Nodes of its own, listed in `/object_info` under the module `simulator`: `SimulatedNoise` (large pictures cheaply),
 * `SimulatedFiles` (outputs of any kind), `SimulatedSleep`, `SimulatedBlocker`, `SimulatedSink`.
 *
 * Over HTTP, on paths that no ComfyUI has: `POST /simulator/faults` with a fault as its body
 * (`{"kind": "history-lag", "ms": 2000}`), `GET` for what is armed, `DELETE` (`?kind=...`) to clear; `GET /simulator/stats`.
 */
export { startSimulator, Simulator, type SimulatorStats } from './simulator';
export type { Protocol, SimulatorOptions } from './options';
export type { Speed } from './pace';
export { Faults, ArmedFault } from './faults';
export { FAULT_KINDS, type Fault, type FaultKind, type FaultOf, type Moment } from './fault-kinds';

/**
 * A stand-in for a ComfyUI server, for demonstrations and tests without a GPU. It implements ComfyUI's HTTP and WebSocket
 * protocol (0.3.64, or with the changes of 0.38), executes nodes that need no model, and replaces the sampler chain by an
 * image that depends on prompt and seed. The faults of real servers can be injected: see `Fault`.
 *
 *     const simulator = await startSimulator({ speed: 'instant' });
 *     const fault = simulator.faults.arm({ kind: 'drop-socket', after: 'execution_start' });
 *     // ... use simulator.url ...
 *     await simulator.close();
 *
 * Additional nodes, listed in `/object_info` under the module `simulator`: `SimulatedNoise` (large images cheaply),
 * `SimulatedFiles` (outputs of any kind), `SimulatedSleep`, `SimulatedBlocker`, `SimulatedSink`.
 *
 * Over HTTP, on paths that ComfyUI does not have: `POST /simulator/faults` with a fault as its body
 * (`{"kind": "history-lag", "ms": 2000}`), `GET` for the armed faults, `DELETE` (`?kind=...`) to clear; `GET /simulator/stats`.
 */
export { startSimulator, Simulator, type SimulatorStats } from './simulator';
export type { Protocol, SimulatorOptions } from './options';
export type { Speed } from './simulated-clock';
export { Faults, ArmedFault } from './faults';
export { FAULT_KINDS, type Fault, type FaultKind, type FaultOf, type Moment } from './fault-kinds';

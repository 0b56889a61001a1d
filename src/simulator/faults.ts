import { Fault, FaultKind, FaultOf } from './fault-kinds';

/** The context of a point where a fault may occur. */
export interface Occasion {
  promptId?: string | undefined;
  nodeId?: string | undefined;
  classType?: string | undefined;
  clientId?: string | undefined;
  filename?: string | undefined;
  method?: string | undefined;
  path?: string | undefined;
  /** The message that was just sent, or `submit`. */
  moment?: string | undefined;
  type?: string | undefined;
  step?: number | undefined;
}

/** An armed fault: the number of its occurrences, and a function to clear it. */
export class ArmedFault<F extends Fault = Fault> {
  /** The number of occurrences so far. */
  fired = 0;
  /** Resolves at the first occurrence. */
  readonly struck: Promise<void>;
  /** Resolves when the fault is cleared or has occurred `times` times. */
  readonly over: Promise<void>;
  #strike: () => void = () => undefined;
  #end: () => void = () => undefined;

  constructor(
    readonly id: number,
    readonly fault: F,
    private readonly remove: (armed: ArmedFault) => void,
  ) {
    this.struck = new Promise((resolve) => (this.#strike = resolve));
    this.over = new Promise((resolve) => (this.#end = resolve));
  }

  clear(): void {
    this.remove(this);
    this.#end();
  }

  /** Internal: counts an occurrence. */
  strike(): void {
    this.fired += 1;
    this.#strike();
    if (this.fired >= (this.fault.times ?? 1)) this.remove(this);
  }

  /** Internal: the fault lasts until it is cleared. */
  hold(): void {
    this.fired += 1;
    this.#strike();
  }
}

const covers = (pattern: string | RegExp, path: string): boolean =>
  typeof pattern === 'string' ? path === pattern || path.startsWith(`${pattern}/`) : pattern.test(path);

function matches(fault: Fault, occasion: Occasion): boolean {
  for (const key of ['promptId', 'nodeId', 'classType', 'clientId', 'filename', 'method', 'type'] as const) {
    const wanted = key in fault ? (fault as Occasion)[key] : undefined;
    if (wanted !== undefined && key in occasion && wanted !== occasion[key]) return false;
  }
  if ('path' in fault && fault.path !== undefined && !covers(fault.path, occasion.path ?? '')) return false;
  if ('atStep' in fault && fault.atStep !== occasion.step) return false;
  return !('after' in fault) || fault.after === undefined || fault.after === occasion.moment;
}

/** The armed faults, oldest first. Each affects the next occasions that it matches, `times` times. */
export class Faults {
  #armed: ArmedFault[] = [];
  #listeners: ((armed: ArmedFault) => void)[] = [];
  #lastId = 0;

  arm<F extends Fault>(fault: F): ArmedFault<F> {
    const armed = new ArmedFault<F>(++this.#lastId, fault, (one) => {
      this.#armed = this.#armed.filter((other) => other !== one);
    });
    this.#armed.push(armed);
    for (const listener of this.#listeners) listener(armed);
    return armed;
  }

  clear(kind?: FaultKind): void {
    for (const armed of this.#armed) {
      if (kind === undefined || armed.fault.kind === kind) armed.clear();
    }
  }

  get list(): readonly ArmedFault[] {
    return this.#armed;
  }

  /** The fault that matches, without an occurrence. */
  find<K extends FaultKind>(kind: K, occasion: Occasion = {}): ArmedFault<FaultOf<K>> | undefined {
    for (const armed of this.#armed) {
      if (isKind(armed, kind) && matches(armed.fault, occasion)) return armed;
    }
    return undefined;
  }

  /** Counts an occurrence of the fault that matches and returns it. */
  take<K extends FaultKind>(kind: K, occasion: Occasion = {}): FaultOf<K> | undefined {
    if (this.#armed.length === 0) return undefined;
    const armed = this.find(kind, occasion);
    armed?.strike();
    return armed?.fault;
  }

  /** Internal: for faults that take effect when they are armed. */
  onArm(listener: (armed: ArmedFault) => void): () => void {
    this.#listeners.push(listener);
    return () => (this.#listeners = this.#listeners.filter((other) => other !== listener));
  }
}

function isKind<K extends FaultKind>(armed: ArmedFault, kind: K): armed is ArmedFault & ArmedFault<FaultOf<K>> {
  return armed.fault.kind === kind;
}

import { Images } from '../pictures/picture';
import { PythonError, pythonFloat, pythonStr } from '../python-values';

/** Sent in place of a value by a node that blocks what follows; without a message the rest is silently left out. */
export class ExecutionBlocker {
  constructor(readonly message: string | null) {}
}

const attributeError = (value: unknown, attribute: string): PythonError => {
  const type = value === null || value === undefined ? 'NoneType' : typeof value === 'string' ? 'str' : 'dict';
  return new PythonError('AttributeError', `'${type}' object has no attribute '${attribute}'`);
};

/** The values a node is called with, by input name. A value of the wrong kind fails as Python would. */
export class NodeInputs {
  constructor(private readonly values: ReadonlyMap<string, unknown>) {}

  get(name: string): unknown {
    return this.values.get(name);
  }

  entries(): Iterable<[string, unknown]> {
    return this.values;
  }

  number(name: string): number {
    return pythonFloat(this.values.get(name));
  }

  text(name: string): string {
    return pythonStr(this.values.get(name));
  }

  flag(name: string): boolean {
    return Boolean(this.values.get(name));
  }

  images(name: string): Images {
    const value = this.values.get(name);
    if (!(value instanceof Images)) throw attributeError(value, 'shape');
    return value;
  }

  /** A value made by another node, of a class of ours. */
  made<T>(name: string, kind: abstract new (...args: never[]) => T, attribute: string): T {
    const value = this.values.get(name);
    if (!(value instanceof kind)) throw attributeError(value, attribute);
    return value;
  }
}

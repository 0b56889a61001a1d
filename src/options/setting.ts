import 'reflect-metadata';

/** A class whose properties are settings: the initializers are the defaults, the JSDoc comments the documentation. */
export type SettingsClass<T extends object = object> = new () => T;

export const MIB = 1024 * 1024;

/** Options as callers write them: those with a default or `?` may be left out. */
export type Given<Settings, Needed extends keyof Settings = never> = Partial<Settings> & Pick<Settings, Needed>;

export interface SettingOptions {
  /** Units of the option in one unit of the variable: 1 MiB is 1048576 bytes. */
  readonly factor?: number;
  /** The variable holds JSON such as this. */
  readonly json?: string;
  /** Default of the service, where that of the module differs. */
  readonly serviceDefault?: string;
  /** Long name of the flag that sets the variable on the command line of the service. */
  readonly flag?: string;
  /** Class of the settings in an object, or in each object of a list; undefined leaves the value to the checks. */
  readonly nested?: (value: unknown) => SettingsClass | undefined;
  /** A nested object has no other fields. */
  readonly isExact?: boolean;
}

export interface Setting extends SettingOptions {
  /** The property of the class, and the option of the module where the module has it. */
  readonly option: string;
  /** Undefined: the service takes it from no variable of its own. */
  readonly variable?: string;
  readonly type: 'text' | 'number' | 'boolean';
}

const SETTINGS = Symbol('settings');

/** Declares a property as a setting, which the service reads from the environment variable. */
export function Setting(variable?: string, options: SettingOptions = {}): PropertyDecorator {
  return (target, property) => {
    const settingsClass = target.constructor as SettingsClass;
    const type = typeOf(Reflect.getMetadata('design:type', target, property));
    const setting: Setting = { ...options, option: String(property), variable, type };
    Reflect.defineMetadata(SETTINGS, [...settingsOf(settingsClass), setting], settingsClass);
  };
}

/** The settings of a class, those of its base class first. */
export function settingsOf(settingsClass: SettingsClass): readonly Setting[] {
  return (Reflect.getMetadata(SETTINGS, settingsClass) as readonly Setting[] | undefined) ?? [];
}

function typeOf(type: unknown): Setting['type'] {
  if (type === Number) return 'number';
  return type === Boolean ? 'boolean' : 'text';
}

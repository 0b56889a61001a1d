/**
 * A dependent signal per listener, for signals with many listeners: Node warns about more than ten on one event target.
 */
export function ownSignal(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal]);
}

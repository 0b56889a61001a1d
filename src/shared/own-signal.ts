/**
 * A signal of its own for one of any number of things that a signal stops: an event target warns of more than ten listeners.
 */
export function ownSignal(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal]);
}

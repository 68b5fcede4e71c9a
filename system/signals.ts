// A program that is told to end by a signal, and hears none itself, stops its systems first.

/** Something that is stopped before the process ends. */
interface Stoppable {
  shutdown(): Promise<void>
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const
const running = new Set<Stoppable>()
let ending = false

const hear = (signal: NodeJS.Signals): void => {
  // The program's own handler decides.
  if (process.listenerCount(signal) > 1) return
  const end = () => {
    deafen()
    process.kill(process.pid, signal)
  }
  // Told a second time, it waits for nothing.
  if (ending) return end()
  ending = true
  void Promise.allSettled(Array.from(running, (system) => system.shutdown())).then(end)
}

const deafen = (): void => {
  for (const signal of SIGNALS) process.off(signal, hear)
}

/**
 * Shuts it down when the process gets SIGINT, SIGTERM or SIGHUP and has no handler of its own for it; then the process ends as the
 * signal would have ended it at once. A second signal ends it without waiting.
 *
 * @returns forgets it, which is done where it was shut down.
 */
export const stopOnSignal = (system: Stoppable): (() => void) => {
  // First of all: a handler that is called once is not there any more when it has been called.
  if (running.size === 0) for (const signal of SIGNALS) process.prependListener(signal, hear)
  running.add(system)
  return () => {
    running.delete(system)
    if (running.size === 0 && !ending) deafen()
  }
}

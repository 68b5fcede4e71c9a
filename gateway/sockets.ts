import type { TemplatedApp } from "./uws.ts"

/** The TCP connections of an app. */
export interface Sockets {
  readonly count: () => number
  /** A WebSocket ended: of a connection that became one the library says only that it began. */
  readonly webSocketClosed: () => void
}

/**
 * Counts the connections of an app, and closes at once what is more than `max`: once its files are used up, the library can take
 * no connection, which stays in the queue, and asks the system for it again and again. `full` is called when that begins, and
 * again only after a tenth of them had gone.
 */
export const countSockets = (app: TemplatedApp, max: number, full: () => void): Sockets => {
  let count = 0
  let isFull = false
  const changed = (by: number): void => {
    count += by
    if (count < max * 0.9) isFull = false
  }
  app.filter((res, by) => {
    changed(by)
    if (by < 0 || count <= max) return
    if (!isFull) full()
    isFull = true
    res.close()
  })
  return { count: () => count, webSocketClosed: () => changed(-1) }
}
